"""The preference file as a table: delimiters, encodings, quotation marks, comments, formulas, and long lists."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from newsletter.errors import DataError
from newsletter.model import Interests, Problem, Subscriber
from newsletter.preferences import read, write

Reader = Callable[[str | bytes], list[Subscriber | Problem]]
SLUGS = ("ai", "security", "crypto")


def topic(word: str) -> str | None:
    return word.lower() if word.lower() in SLUGS else None


@pytest.fixture
def table(tmp_path: Path) -> Reader:
    def reader(data: str | bytes) -> list[Subscriber | Problem]:
        path = tmp_path / "people.csv"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return list(read(path, topic=topic, place="people.csv"))

    return reader


def lines(found: list[Subscriber | Problem]) -> list[int]:
    return [subscriber.line for subscriber in found if isinstance(subscriber, Subscriber)]


def subscriber(found: list[Subscriber | Problem]) -> Subscriber:
    [only] = found
    assert isinstance(only, Subscriber), only
    return only


@pytest.mark.parametrize("header", [
    "email,name", "EMAIL,Name", "Email Address,Full Name", "E-Mail,NAME", "mail;name", "name\temail",
    "\ufeffemail,name", " Email , name ", "Deine E-Mail Adresse;Name", '"email","name"', "sep=|\nemail|name",
    "sep=,\nemail,name",
])
def test_the_header_shows_the_delimiter_and_columns_by_any_common_name(table: Reader, header: str) -> None:
    delimiter = next(mark for mark in ("|", ";", "\t", ",") if mark in header.split("\n")[-1])
    cells = ("Ann", "ann@example.org") if header.startswith("name") else ("ann@example.org", "Ann")
    found = subscriber(table(f"{header}\n{delimiter.join(cells)}\n"))
    assert (found.email, found.name) == ("ann@example.org", "Ann")


def test_our_own_name_for_a_column_goes_before_a_synonym_and_the_other_column_is_kept(table: Reader) -> None:
    found = subscriber(table("Mail,email,Notes,comment\nold@example.org,new@example.org,one,two\n"))
    assert found.email == "new@example.org"
    assert found.note == "one"
    assert found.extra == {"Mail": "old@example.org", "comment": "two"}


def test_columns_of_others_are_kept_each_under_a_name_of_its_own(table: Reader) -> None:
    found = subscriber(table("email,Group,Group,,Phone\nann@example.org, a ,b,c,007\n"))
    assert found.extra == {"Group": "a", "Group (2)": "b", "column 4": "c", "Phone": "007"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_comments_and_empty_lines_are_skipped_and_the_line_numbers_stay_right(table: Reader, end: str) -> None:
    text = end.join([
        "# people", "", "email,note", "", "# Ann, \"quoted", "a@example.org,x", "   ", ",", "#b@example.org,x",
        'c@example.org,"one', "# two", "", 'three"', "d@example.org,", "#",
    ])
    found = table(text)
    assert lines(found) == [6, 10, 14]
    assert isinstance(found[1], Subscriber)
    assert found[1].note == "one\n# two\n\nthree"


def test_a_quotation_mark_that_is_never_closed_costs_only_its_own_line(table: Reader) -> None:
    rows = [f"p{number}@example.org,x" for number in range(500)]
    rows[3] = 'p3@example.org,"open'
    rows[499] = 'p499@example.org,"open at the end'
    found = table("email,note\n" + "\n".join(rows))
    problems = [each for each in found if isinstance(each, Problem)]
    assert [problem.place for problem in problems] == ["people.csv:5", "people.csv:501"]
    assert lines(found) == [number for number in range(2, 501) if number != 5]


def test_a_row_with_more_cells_than_the_header_is_left_out_as_its_cells_are_ambiguous(table: Reader) -> None:
    problem, ben = table("email,topics,status\nann@example.org,ai,security,unsubscribed\nben@example.org,ai,,,,\n")
    assert isinstance(problem, Problem)
    assert (problem.place, problem.found) == ("people.csv:2", "the row has 4 cells, the header 3")
    assert isinstance(ben, Subscriber)


def test_a_row_may_be_shorter_than_the_header(table: Reader) -> None:
    assert subscriber(table("email,name,topics,status\nann@example.org\n")).status == "active"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_bytes_show_the_encoding(table: Reader, encoding: str) -> None:
    found = subscriber(table("email,name,Größe\nann@example.org,Zoë “Zo” Müller – €,1\n".encode(encoding)))
    assert (found.name, found.extra) == ("Zoë “Zo” Müller – €", {"Größe": "1"})


def test_a_row_in_another_encoding_than_the_rest_is_read_correctly(table: Reader) -> None:
    found = table("email,name\na@example.org,Zoë\n".encode() + "b@example.org,Zoë\n".encode("cp1252"))
    assert [each.name for each in found if isinstance(each, Subscriber)] == ["Zoë", "Zoë"]


def test_undecodable_bytes_are_reported_in_a_name_and_refused_in_an_address(table: Reader) -> None:
    problem, ann, refused = table(b"email,name\nann@example.org,A\x81n\nb\x81n@example.org,Ben\n")
    assert isinstance(problem, Problem)
    assert (problem.place, problem.cure) == ("people.csv:2", "Save the file as UTF-8.")
    assert isinstance(ann, Subscriber)
    assert isinstance(refused, Problem)
    assert refused.place == "people.csv:3"


def test_a_table_without_a_column_of_addresses_names_the_column_that_may_be_meant(table: Reader) -> None:
    with pytest.raises(DataError) as refused:
        table("Emial,name\nann@example.org,Ann\n")
    assert refused.value.place == "people.csv:1"
    assert refused.value.cure == 'Rename the column “Emial” to “email”.'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1", "''-1", "'", "'quoted'"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe_and_is_read_back(table: Reader, text: str) -> None:
    subscriber = Subscriber("=1@example.org", "=1@example.org", text, Interests(excluded=("ai",)), note=text,
                            extra={"=Team": text}, line=2)
    out = io.StringIO(newline="")
    write([subscriber], "csv", out)
    cells = [cell for line in out.getvalue().splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert table(out.getvalue()) == [subscriber]


def test_a_table_has_every_column_that_any_subscriber_has(table: Reader) -> None:
    ann = Subscriber("ann@example.org", "ann@example.org", extra={"Team": "a"}, line=2)
    ben = Subscriber("ben@example.org", "ben@example.org", extra={"Phone": "1"}, line=3)
    out = io.StringIO(newline="")
    write([ann, ben], "csv", out)
    assert out.getvalue() == (
        "email,name,topics,frequency,language,timezone,format,status,note,Team,Phone\n"
        "ann@example.org,,,every,,,html,active,,a,\n"
        "ben@example.org,,,every,,,html,active,,,1\n"
    )
    assert table(out.getvalue()) == [ann, ben]


def people(count: int) -> Iterator[str]:
    yield "email,name,topics,frequency,language,timezone,status,Team\n"
    for number in range(count):
        mailbox = f"subscriber{number}@mail.example.org" if number % 100 else f"subscriber{number}@@mail"
        yield f"{mailbox},Person {number},ai; security,weekly,en,Europe/London,active,Team {number % 9}\n"


def peak(path: Path, count: int) -> int:
    """Peak memory, in bytes, while a list of so many subscribers is read."""
    path.write_text("".join(people(count)))
    tracemalloc.start()
    try:
        seen = [0, 0]
        for each in read(path, topic=topic):
            seen[isinstance(each, Problem)] += 1
        assert seen == [count - count // 100, count // 100]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_list_ten_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    peak(tmp_path / "warm.csv", 100)
    assert peak(tmp_path / "long.csv", 20_000) < peak(tmp_path / "short.csv", 2_000) + 200_000


def test_of_100_000_rows_the_good_come_in_and_each_bad_one_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("".join(people(100_000)))
    found = list(read(path, topic=topic, place="people.csv"))
    problems = [each.place for each in found if isinstance(each, Problem)]
    assert problems == [f"people.csv:{number + 2}" for number in range(0, 100_000, 100)]
    assert len(found) == 100_000
