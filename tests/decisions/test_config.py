"""newsletter.toml and its environment twins: the settings that are read, and the mistakes that are refused."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter import config
from newsletter.config import Relay, Settings, SourceSettings, values
from newsletter.errors import ConfigError
from newsletter.model import Newsletter

T = TypeVar("T")
SITE = """\
[site]
base_url = "https://news.example.org"
postal_address = "Desk, 1 Street, Town"
"""
WEEKLY = """\
[newsletter.weekly]
title = "The Week"
from = "Desk <desk@news.example.org>"
"""
RELAY = """\
[[relay]]
name = "main"
host = "smtp.example.org"
"""
SOURCE = """\
[[source]]
name = "wire"
url = "https://example.org/feed"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment without twins."""
    for name in list(os.environ):
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str) -> Settings:
    Path("newsletter.toml").write_text(text, encoding="utf-8")
    return config.read(Path("newsletter.toml"))


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def outcome(call: Callable[[], T]) -> T | ConfigError | values.Wrong:
    """The result of a call, or its refusal."""
    try:
        return call()
    except (ConfigError, values.Wrong) as refused:
        return refused


class TestFinding:
    def test_the_file_is_found_from_a_folder_deep_in_the_project(self, project: Path) -> None:
        (project / "newsletter.toml").write_text(SITE)
        (project / "stories" / "2026").mkdir(parents=True)
        assert config.find(project / "stories" / "2026") == project / "newsletter.toml"

    def test_without_a_file_the_error_names_the_command_that_makes_one(self, project: Path) -> None:
        with pytest.raises(ConfigError, match="newsletter init"):
            config.find(project)


class TestReading:
    def test_a_short_file_is_filled_with_defaults(self, project: Path) -> None:
        found = read(SITE + WEEKLY)
        assert found.root == project
        assert found.store_url == "sqlite:///newsletter.db"
        assert (found.delivery.transport, found.delivery.window, found.delivery.dot_timeout) == ("file", 100, 600)
        assert found.delivery.max_lateness == timedelta(hours=6)
        assert found.newsletters == {
            "weekly": Newsletter(name="weekly", title="The Week", sender="Desk <desk@news.example.org>")
        }

    def test_every_key_of_a_newsletter_arrives(self) -> None:
        found = read(SITE + WEEKLY + """
            reply_to = "letters@news.example.org"
            description = "What was decided."
            template = "daily"
            sources = ["stories/", "https://example.org/feed.xml"]
            schedule = "every monday at 08:00"
            timezone = "Europe/London"
            language = "pt-BR"
            topics = ["ai", "trade"]
            per_topic = 3
            max_stories = 12
            max_age = "1w 12h"
            min_stories = 2
            quiet = "roll-over"
        """)
        assert found.newsletters["weekly"] == Newsletter(
            name="weekly", title="The Week", sender="Desk <desk@news.example.org>", reply_to="letters@news.example.org",
            description="What was decided.", template="daily", sources=("stories/", "https://example.org/feed.xml"),
            schedule="every monday at 08:00", timezone="Europe/London", language="pt-BR", topics=("ai", "trade"),
            per_topic=3, max_stories=12, max_age=timedelta(days=7, hours=12), min_stories=2, quiet="roll-over",
        )

    @pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
    def test_a_relay_without_a_port_gets_the_port_of_its_security(self, security: str, port: int) -> None:
        assert read(SITE + RELAY + f'security = "{security}"\n').relays[0].port == port

    def test_a_file_saved_with_a_byte_order_mark_and_windows_line_ends_is_read(self, project: Path) -> None:
        file = project / "newsletter.toml"
        file.write_bytes(b"\xef\xbb\xbf" + (SITE + WEEKLY).replace("\n", "\r\n").encode())
        assert config.read(file).site.base_url == "https://news.example.org"

    def test_a_postal_address_of_many_lines_becomes_one(self) -> None:
        text = SITE.replace('"Desk, 1 Street, Town"', '"""\nDesk,\n  1 Street\n\nTown\n"""')
        assert read(text).site.postal_address == "Desk, 1 Street, Town"


class TestEnvironment:
    def test_a_twin_takes_precedence_over_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DELIVERY__WINDOW", "7")
        found = read(SITE + "[delivery]\nwindow = 9\noutbox = 'out'\n").delivery
        assert (found.window, found.outbox) == (7, "out")

    def test_a_twin_reaches_a_newsletter_whose_name_has_a_hyphen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_NEWSLETTER__EU_WEEKLY__FROM", "b@news.example.org")
        monkeypatch.setenv("NEWSLETTER_NEWSLETTER__EU_WEEKLY__SOURCES", "stories/; https://example.org/feed")
        found = read(SITE + WEEKLY.replace("weekly", "eu-weekly")).newsletters["eu-weekly"]
        assert found.sender == "b@news.example.org"
        assert found.sources == ("stories/", "https://example.org/feed")

    def test_a_container_needs_no_relay_in_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DELIVERY__TRANSPORT", "smtp")
        monkeypatch.setenv("NEWSLETTER_RELAY__MAIN__HOST", "smtp.example.org")
        assert [relay.name for relay in read(SITE).relays] == ["main"]

    def test_a_wrong_value_is_blamed_on_the_variable_and_not_on_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DELIVERY__WINDOW", "many")
        assert refusal(SITE + "[delivery]\nwindow = 9\n").startswith("NEWSLETTER_DELIVERY__WINDOW: ")

    def test_a_twin_of_an_unknown_table_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DELIVERI__WINDOW", "9")
        assert "Did you mean “delivery”?" in refusal(SITE)

    def test_other_variables_may_share_the_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DELIVERY", "{not json")
        monkeypatch.setenv("NEWSLETTER_LOG", "debug")
        assert read(SITE).delivery.transport == "file"

    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    @settings(max_examples=60)
    def test_any_value_of_a_twin_is_taken_or_refused_with_its_name(self, value: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NEWSLETTER_NEWSLETTER__WEEKLY__TITLE", value)
            found = outcome(lambda: read(SITE + WEEKLY).newsletters["weekly"].title)
            refused = isinstance(found, ConfigError) and found.place == "NEWSLETTER_NEWSLETTER__WEEKLY__TITLE"
            assert refused or found == value.strip()


class TestMistakes:
    """Each is reported with its place, what was found, and how to fix it."""

    @pytest.mark.parametrize(("text", "said"), [
        (SITE + "[delivery]\ntransprot = 'smtp'\n", ["toml:5: ", '“transprot”', "Did you mean “transport”?"]),
        (SITE + "[delivery]\ntransport = 'smpt'\n", ["newsletter.toml:5: ", '"smpt"', "Did you mean “smtp”?"]),
        (SITE + "[stroe]\nurl = 'x'\n", ["newsletter.toml:4: ", '“stroe”', "Did you mean “store”?"]),
        (SITE + "[delivery]\nwindow = 0\n", ["newsletter.toml:5: ", "is 0", "greater than or equal to 1"]),
        (SITE + "[delivery]\nmax_lateness = 6\n", ["newsletter.toml:5: ", '“6”', '"6h"']),
        (SITE + "[delivery]\nmax_lateness = '0h'\n", ["newsletter.toml:5: ", "no time at all"]),
        (SITE + "[delivery]\ntransport = 'smtp'\n", ["newsletter.toml:5: ", "needs a relay", "[[relay]]"]),
        (SITE + "delivery = 5\n", ["newsletter.toml:4: ", "unknown key", "base_url"]),
        ("delivery = 5\n" + SITE, ["newsletter.toml:1: ", "Write a table [delivery]"]),
        ("", ["the table [site] is missing", "base_url =", "postal_address ="]),
        (SITE + WEEKLY.replace("title", "titel"), ["toml:5: ", "toml:4: title is missing", "Did you mean “title”?"]),
        (SITE + WEEKLY + "timezone = 'Europe/Lndon'", ["newsletter.toml:7: ", "Did you mean “Europe/London”?"]),
        (SITE + WEEKLY + "timezone = 'GMT+1'", ["newsletter.toml:7: ", "Write an IANA name"]),  # A9: no “Etc/GMT+1”
        (SITE + WEEKLY + "language = 'english'", ["newsletter.toml:7: ", '"pt-BR"']),
        (SITE + WEEKLY + "sources = ['a/',\n\n 5]", ["newsletter.toml:7: ", "is 5"]),
        (SITE + WEEKLY.replace("weekly", "Weekly"), ["newsletter.toml:4: ", '“Weekly”', "lower-case"]),
        (SITE + WEEKLY.replace("desk@", "desk@@"), ["newsletter.toml:6: ", "not an address"]),
        (SITE + RELAY + RELAY, ["newsletter.toml:8: ", '2 relays are called “main”']),
        (SITE + "[[relay]]\nhost = 'a.example.org'\n", ["newsletter.toml:4: ", 'name = "main"']),
        (SITE + "[relay]\nhost = 'a.example.org'\n", ["newsletter.toml:4: ", "two brackets"]),
        (SITE + "[site]\n", ["newsletter.toml:4: ", "invalid TOML"]),
        (SITE + "[delivery\n", ["newsletter.toml:4: ", "invalid TOML"]),
        (SITE + "x = '''\n", ["newsletter.toml:", "invalid TOML"]),
        (SITE.replace("news.example.org", "news.example.org?a=b"), ["newsletter.toml:2: ", "a query"]),
        (SITE.replace("https:", "http:"), ["newsletter.toml:2: ", "not encrypted", "https"]),
        (SITE.replace("https://", ""), ["newsletter.toml:2: ", "not an absolute web address"]),
        (SITE.replace("https://news.example.org", "https://[::1"), ["newsletter.toml:2: ", "not a web address"]),
        (SITE.replace("Desk, 1 Street, Town", " , "), ["newsletter.toml:3: ", "postal address"]),
        (SITE + "[store]\nurl = 'postgres://h/db'\n", ["newsletter.toml:5: ", "postgresql://"]),
        (SITE + "[store]\nurl = 'mysql://h/db'\n", ["newsletter.toml:5: ", "sqlite:///newsletter.db"]),
        (SITE + "[store]\nurl = 'sqlite://news.db'\n", ["newsletter.toml:5: ", "sqlite:///FILE"]),
    ])
    def test_each_is_reported_with_its_fix(self, text: str, said: list[str]) -> None:
        refused = refusal(text)
        assert [each for each in said if each not in refused] == []

    def test_all_mistakes_are_reported_at_once(self) -> None:
        refused = refusal(SITE + "[stroe]\n[delivery]\nwindow = 'x'\ntransport = 'y'\n" + WEEKLY + "quiet = 'z'\n")
        assert refused.startswith("newsletter.toml: 4 problems\n")
        assert [line.split(": ")[0] for line in refused.splitlines()[1:]] == [
            "newsletter.toml:4", "newsletter.toml:7", "newsletter.toml:6", "newsletter.toml:11",
        ]

    def test_a_header_cannot_be_injected_through_the_sender_or_the_title(self) -> None:
        for line, value in ((5, "The Week"), (6, "Desk <desk@news.example.org>")):
            evil = WEEKLY.replace(value, value + r"\r\nBcc: all@example.org")
            assert refusal(SITE + evil).startswith(f"newsletter.toml:{line}: ")

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
    def test_plain_http_is_for_this_machine(self, host: str) -> None:
        assert read(SITE.replace("https://news.example.org", f"http://{host}/")).site.base_url == f"http://{host}"

    def test_a_file_that_is_not_utf_8_is_refused_with_the_line(self, project: Path) -> None:
        (project / "newsletter.toml").write_bytes(b"[site]\n# caf\xe9\n")
        with pytest.raises(ConfigError, match=r"newsletter\.toml:2: the file is not UTF-8"):
            config.read(project / "newsletter.toml")

    @given(st.one_of(st.text(), st.text(alphabet='[]{}="\'#\n\r\t\\.,abc_1é\0')))
    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text_is_read_or_refused_with_a_place(self, project: Path, text: str) -> None:
        file = project / "newsletter.toml"
        file.write_bytes(SITE.encode() + text.encode("utf-8", "surrogatepass"))
        found = outcome(lambda: config.read(file))
        assert isinstance(found, Settings) or (isinstance(found, ConfigError) and "newsletter.toml" in found.place)


class TestSources:
    def test_every_key_of_a_source_arrives(self) -> None:
        found = read(SITE + SOURCE + """
            kind = "feed"
            interval = "1h"
            username = "desk"
            password_file = "secret"
            options = { section = "world", page = "2" }
        """).sources
        assert found == {"wire": SourceSettings(
            name="wire", url="https://example.org/feed", kind="feed", interval=timedelta(hours=1), username="desk",
            password_file="secret", options={"section": "world", "page": "2"},
        )}

    def test_a_newsletter_names_a_source_and_has_its_address(self) -> None:
        names = 'sources = ["stories/", "wire", "https://example.org/feed"]\n'
        found = read(SITE + WEEKLY + names + SOURCE).newsletters["weekly"]
        assert found.sources == ("stories/", "https://example.org/feed")

    def test_a_twin_reaches_a_source(self, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
        monkeypatch.setenv("NEWSLETTER_SOURCE__EU_WIRE__PASSWORD", "hunter2")
        monkeypatch.setenv("NEWSLETTER_SOURCE__EU_WIRE__OPTIONS__SECTION", "world")
        found = read(SITE + SOURCE.replace("wire", "eu-wire") + 'username = "desk"\n')
        assert "hunter2" not in repr(found)
        assert config.password(found.sources["eu-wire"], root=project) == "hunter2"
        assert found.sources["eu-wire"].options == {"section": "world"}

    def test_a_password_command_that_fails_is_known_by_its_source(self, project: Path) -> None:
        keys = read(SITE + SOURCE + 'username = "desk"\npassword_command = "false"\n').sources["wire"]
        with pytest.raises(ConfigError) as caught:
            config.password(keys, root=project)
        assert caught.value.place == "password_command of source wire"

    @pytest.mark.parametrize(("keys", "said"), [
        ('password = "hunter2"\nusername = "desk"', ["toml:7: ", "NEWSLETTER_SOURCE__WIRE__PASSWORD"]),
        ('username = "desk"', ["toml:4: ", "but no password"]),
        ('password_file = "secret"', ["toml:4: ", "but no username"]),
        ('intervall = "1h"', ["toml:7: ", "[[source]]", "Did you mean", "interval"]),
        ("options = { section = 5 }", ["toml:7: ", "options in [[source]]"]),
        (SOURCE, ["toml:8: ", "2 sources are called “wire”"]),
        (SOURCE.replace("wire", "agency"), ["toml:9: ", "agency has the same url as wire"]),
        (SOURCE.replace("https://", "ftp://x@").replace("wire", "w"), ["toml:9: ", "the address contains a login"]),
        ('[[source]]\nname = "w"\nurl = "stories/"\nusername = "a"\npassword_file = "b"', ["toml:7: ", "for a file"]),
    ])
    def test_mistakes_are_refused_with_the_fix(self, keys: str, said: list[str]) -> None:
        refused = refusal(SITE + SOURCE + keys)
        assert [each for each in said if each not in refused] == []
        assert "hunter2" not in refused

    @pytest.mark.parametrize("address", [
        "https://desk:hunter2@example.org/feed", "https://hunter2@example.org/feed", "HTTPS://a:hunter2@[::1",
        "https://desk:hun/hunter2@example.org/feed",
    ])
    def test_a_login_in_an_address_is_refused_and_not_repeated(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed = refusal(SITE + WEEKLY + f'sources = ["stories/", "{address}"]\n')
        assert listed.startswith("newsletter.toml:7: sources in [newsletter.weekly]: the address contains a login")
        monkeypatch.setenv("NEWSLETTER_NEWSLETTER__WEEKLY__SOURCES", address)
        twin = refusal(SITE + WEEKLY)
        assert twin.startswith("NEWSLETTER_NEWSLETTER__WEEKLY__SOURCES: ")
        assert "hunter2" not in listed + twin + refusal(SITE + SOURCE.replace("https://example.org/feed", address))

    @pytest.mark.parametrize("address", ["https://example.org/@ann/feed", "stories@home/", "http://[::1]:80/a?b=c@d"])
    def test_an_at_sign_elsewhere_is_no_login(self, address: str) -> None:
        assert read(SITE + WEEKLY + f'sources = ["{address}"]\n').newsletters["weekly"].sources == (address,)


class TestSecrets:
    AUTH = RELAY + 'username = "desk"\n'

    def test_a_password_in_the_file_is_refused_and_not_repeated(self) -> None:
        refused = refusal(SITE + self.AUTH + 'password = "hunter2"\n')
        assert refused.startswith("newsletter.toml:8: ")
        assert "NEWSLETTER_RELAY__MAIN__PASSWORD" in refused
        assert "hunter2" not in refused

    def test_a_password_in_the_address_of_the_store_is_refused_and_not_repeated(self) -> None:
        refused = refusal(SITE + '[store]\nurl = "postgresql://desk:hunter2@db/news"\n')
        assert "NEWSLETTER_STORE__URL" in refused
        assert "hunter2" not in refused

    def test_no_secret_is_in_the_repr_of_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_RELAY__MAIN__PASSWORD", "hunter2")
        monkeypatch.setenv("NEWSLETTER_STORE__URL", "postgresql://desk:hunter2@db/news")
        found = read(SITE + self.AUTH)
        assert "hunter2" not in repr(found) + str(found.relays)
        assert config.password(found.relays[0], root=found.root) == "hunter2"
        assert found.store_url == "postgresql://desk:hunter2@db/news"

    def test_no_secret_is_in_a_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_RELAY__MAIN__PASSWORD", "hunter2")
        monkeypatch.setenv("NEWSLETTER_STORE__URL", "mysql://desk:hunter2@db/news")
        assert "hunter2" not in refusal(SITE + RELAY + "port = 'x'\n")

    def test_the_first_line_of_the_password_file_is_the_password(self, project: Path) -> None:
        (project / "secret").write_text("pass word \nnot this\n")
        (project / "secret").chmod(0o600)
        relay = read(SITE + self.AUTH + 'password_file = "secret"\n').relays[0]
        assert config.password(relay, root=project) == "pass word "

    def test_a_password_file_that_other_users_may_read_is_refused(self, project: Path) -> None:
        (project / "secret").write_text("hunter2")
        (project / "secret").chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600") as caught:
            config.password(_relay(password_file="secret"), root=project)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("file", ["absent", "empty", "latin-1"])
    def test_a_password_file_without_a_password_is_refused(self, project: Path, file: str) -> None:
        for name, content in (("empty", b"\nhunter2"), ("latin-1", b"caf\xe9")):
            (project / name).write_bytes(content)
            (project / name).chmod(0o600)
        with pytest.raises(ConfigError, match=file):
            config.password(_relay(password_file=file), root=project)

    def test_a_password_command_runs_in_the_project_and_without_a_shell(self, project: Path) -> None:
        (project / "vault").write_text("hunter2; $HOME\nmore\n")
        assert config.password(_relay(password_command="cat 'vault'"), root=project) == "hunter2; $HOME"

    @pytest.mark.parametrize(("command", "said"), [
        ("sh -c 'echo hunter2; exit 3'", "exited with code 3"),
        ("sh -c 'echo hunter2 >&2; exit 3'", "exited with code 3"),
        ("/nowhere/to/be/found", "No such file"),
        ("echo 'open", "cannot be split"),
        ("true", "no password on the first line"),
    ])
    def test_a_password_command_that_fails_is_named_and_what_it_printed_is_not(
        self, project: Path, command: str, said: str
    ) -> None:
        with pytest.raises(ConfigError, match=said) as caught:
            config.password(_relay(password_command=command), root=project)
        assert "hunter2" not in caught.value.found

    @pytest.mark.parametrize(("keys", "said"), [
        ('username = "desk"', "no password"),
        ('password_file = "secret"', "no username"),
        ('username = "desk"\npassword_file = "secret"\nsecurity = "none"', "unencrypted"),
        ('login = "xoauth2"', "needs a username"),
        ('username = "desk"\nlogin = "xoauth2"', "no password"),
        ('username = "desk"\npassword_file = "secret"\nlogin = "oauth"', "Did you mean “xoauth2”?"),
    ])
    def test_half_credentials_and_unencrypted_ones_are_refused(self, keys: str, said: str) -> None:
        assert said in refusal(SITE + RELAY + keys)

    def test_a_relay_without_credentials_has_no_password(self, project: Path) -> None:
        assert config.password(Relay(name="main", host="localhost", security="none"), root=project) == ""


def _relay(*, password_file: str = "", password_command: str = "") -> Relay:
    return Relay(name="main", host="localhost", username="desk", password_file=password_file,
                 password_command=password_command)


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from("wdhms")), min_size=1, max_size=4))
def test_the_parts_of_a_length_of_time_add_up(parts: list[tuple[int, str]]) -> None:
    given_parts = sum((timedelta(**{values.UNITS[unit]: number}) for number, unit in parts), timedelta())
    for gap in ("", " "):
        assert values.duration(gap.join(f"{number}{unit}" for number, unit in parts)) == given_parts


@given(st.text())
def test_any_text_is_a_length_of_time_or_refused(text: str) -> None:
    assert isinstance(outcome(lambda: values.duration(text)), (timedelta, values.Wrong))


@given(st.text())
def test_what_counts_as_one_line_has_no_line_break_of_any_kind(text: str) -> None:
    found = outcome(lambda: values.line(text))
    assert isinstance(found, values.Wrong) or len(str(found).splitlines()) <= 1


def test_the_reference_explains_every_key_with_its_default() -> None:
    page = config.reference()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert all(row.rstrip(" |").endswith((".", ")")) for row in rows), "each key has a sentence"
    assert "`NEWSLETTER_RELAY__NAME__PASSWORD`" in page
