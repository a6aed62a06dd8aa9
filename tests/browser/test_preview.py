"""The preview as its editor sees it, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from tests.browser.conftest import Opened, looking

LEAD = "Eleven countries sign a charter for AI in public service"
STORY = "stories/2026-11-16-charter-for-public-ai.md"
PIECE = "templates/weekly/story.mjml"


def edition(page: Page) -> FrameLocator:
    return page.frame_locator("iframe.edition")


def change(file: Path, old: str, new: str) -> None:
    """Saves a file as editors do: a new one takes its place."""
    text = file.read_text("utf-8")
    assert old in text
    fresh = file.with_suffix(".new~")
    fresh.write_text(text.replace(old, new), "utf-8")
    fresh.replace(file)


def test_opens_with_the_draft_of_the_next_issue_for_the_first_subscriber(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    expect(page.get_by_role("heading", name="The Week in Digital Policy")).to_be_visible()
    expect(page.locator("#title")).to_contain_text("Monday 23 November 2026, 08:00")
    expect(page.locator("#who")).to_contain_text("Ada Winter")
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
    expect(edition(page).locator("body")).to_contain_text("Hello Ada Winter,")


def test_a_reader_is_found_by_a_part_of_the_name_and_others_are_a_click_away(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.get_by_role("combobox", name="Subscriber").fill("marchetti")
    page.get_by_role("combobox", name="Subscriber").press("Enter")
    expect(page.locator("#who")).to_contain_text("Zoë Marchetti")
    expect(edition(page).locator("body")).to_contain_text("Hello Zoë Marchetti,")
    page.get_by_role("link", name="Next ›").click()
    expect(page.locator("#who")).to_contain_text("Łukasz Wiśniewski")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("#who")).to_contain_text("Zoë Marchetti")
    page.get_by_role("link", name="All topics").click()
    expect(page.locator("#who")).to_contain_text("sample subscriber")
    expect(edition(page).locator("body")).to_contain_text("all topics")


def test_several_matches_are_offered_as_a_list(page: Page, shared: Opened) -> None:
    page.goto(f"{shared.address}/?reader=example.com")
    expect(page.get_by_role("heading", name="subscribers match")).to_be_visible()
    page.get_by_role("link", name="Inês Duarte").click()
    expect(page.locator("#who")).to_contain_text("Digital diplomacy")


def test_typing_suggests_addresses(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.get_by_role("combobox", name="Subscriber").fill("łuk")
    expect(page.locator("#readers option")).to_have_count(1)
    expect(page.locator("#readers option")).to_have_attribute("value", "lukasz@example.net")


def test_the_arrow_keys_walk_through_the_readers(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#who")).to_contain_text("Zoë Marchetti")
    page.wait_for_load_state()  # a key is heard once the page's script has run
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#who")).to_contain_text("Ada Winter")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the edition")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the edition")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width == "3px"


def test_the_text_part_is_shown_as_it_is(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.get_by_role("link", name="Plain text").click()
    expect(page.locator("pre.text")).to_contain_text("Hello Ada Winter,")
    lines = page.locator("pre.text").inner_text().splitlines()
    assert f"1. {LEAD}" in lines


def test_headers_are_shown_decoded_and_as_they_go_on_the_wire(page: Page, shared: Opened) -> None:
    page.goto(f"{shared.address}/?reader=zoe@example.com&part=headers")
    expect(page.get_by_role("row", name="To Zoë")).to_contain_text("Zoë Marchetti <zoe@example.com>")
    expect(page.locator("pre")).to_contain_text("To: =?utf-8?")
    expect(page.get_by_role("row", name="List-Unsubscribe-Post")).to_contain_text("List-Unsubscribe=One-Click")


def test_the_source_can_be_kept_as_an_eml_file(page: Page, shared: Opened) -> None:
    page.goto(f"{shared.address}/?part=source")
    expect(page.locator("pre")).to_contain_text("Content-Type: multipart/alternative")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .eml").click()
    kept = Path(download.value.path()).read_bytes()
    assert kept == shared.ask("/edition/message.eml")[1]
    assert kept.decode().replace("\r\n", "\n").strip() == page.locator("pre").text_content().strip()  # type: ignore[union-attr]


@pytest.mark.parametrize("preferred", ["light", "dark"])
def test_light_and_dark_are_those_of_the_mail_whatever_the_browser_prefers(
    browser: Browser, shared: Opened, preferred: str,
) -> None:
    with looking(browser, color_scheme=preferred) as page:
        seen = {}
        for scheme in ("Light", "Dark"):
            page.goto(shared.address)
            page.get_by_role("link", name=scheme, exact=True).click()
            expect(page.get_by_title(f"The edition in {scheme.lower()}")).to_be_visible()
            body = edition(page).locator("body").locator("xpath=.//*[contains(@class, 'page')]").first
            seen[scheme] = body.evaluate("(element) => getComputedStyle(element).backgroundColor")
    assert seen == {"Light": "rgb(244, 241, 234)", "Dark": "rgb(16, 19, 22)"}


def test_the_phone_is_390_pixels_wide(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    page.get_by_role("link", name="Phone").click()
    expect(page.locator("iframe.edition")).to_have_js_property("clientWidth", 390)
    assert edition(page).locator("html").evaluate("(html) => html.scrollWidth") == 390


def test_on_a_phone_the_page_itself_never_scrolls_sideways(browser: Browser, shared: Opened) -> None:
    with looking(browser, viewport={"width": 390, "height": 844}) as page:
        for query in ("part=html", "part=text", "part=headers", "part=source", "reader=example", "reader=nobody"):
            page.goto(f"{shared.address}/?{query}")
            assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_each_story_has_its_reason_beside_the_edition(page: Page, shared: Opened) -> None:
    page.goto(shared.address)
    why = page.get_by_role("complementary", name="Why these stories")
    expect(why).to_contain_text("Would be sent")
    expect(why.locator(".in li").first).to_contain_text(LEAD)
    expect(why.locator(".in li").first).to_contain_text("Artificial intelligence by tag ai; rank: pinned")
    expect(why.locator(".in")).to_contain_text("by keyword language model")
    expect(why.locator(".out")).to_contain_text("topic not chosen")
    expect(why.locator(".out")).to_contain_text("merged")
    expect(why.locator(".size")).to_contain_text("of 102,400 bytes")


def test_a_saved_story_appears_by_itself_with_scroll_reader_and_view_kept(page: Page, preview: Opened) -> None:
    page.goto(f"{preview.address}/?reader=layla@example.com&width=phone&scheme=dark")
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
    page.evaluate("scrollTo(0, 500)")
    change(preview.root / STORY, LEAD, "Twelve countries sign a charter after all")
    expect(edition(page).get_by_role("heading", name="Twelve countries sign a charter after all")).to_be_visible()
    expect(page.locator("#why")).to_contain_text("Twelve countries")
    expect(page.locator("iframe.edition")).to_have_count(1)
    assert page.evaluate("scrollY") == 500
    assert page.url.endswith("/?reader=layla@example.com&width=phone&scheme=dark")


def test_a_new_story_in_a_new_folder_appears_by_itself(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    expect(page.locator("#why .in")).to_contain_text(LEAD)
    folder = preview.root / "stories" / "later"
    folder.mkdir()
    story = "---\ntitle: A late word on models\ndate: 2026-11-22\ntags: [ai]\n---\n\nIt came in on Sunday.\n"
    (folder / "late.md").write_text(story, "utf-8")
    expect(page.locator("#why .in")).to_contain_text("A late word on models")


def test_changes_of_settings_topics_and_subscribers_appear_by_themselves(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    expect(page.locator("#title")).to_contain_text("The Week in Digital Policy")
    change(preview.root / "newsletter.toml", "The Week in Digital Policy", "The Digital Week")
    expect(page.locator("#title")).to_contain_text("The Digital Week")
    change(preview.root / "topics.toml", '"Artificial intelligence"', '"Thinking machines"')
    expect(page.locator("#who")).to_contain_text("Thinking machines")
    change(preview.root / "subscribers" / "subscribers.csv", "Ada Winter", "Ada Summer")
    expect(page.locator("#who")).to_contain_text("Ada Summer")


def test_a_broken_template_is_told_with_its_cure_while_the_last_good_draft_stays(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
    lines = (preview.root / PIECE).read_text("utf-8").count("\n")
    (preview.root / PIECE).write_text((preview.root / PIECE).read_text("utf-8") + "{{ story.titel }}\n", "utf-8")
    fault = page.get_by_role("alert")
    expect(fault).to_contain_text(f"{PIECE}:{lines + 1}")
    expect(fault).to_contain_text("titel")
    expect(fault).to_contain_text("Did you mean “title”?")
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
    page.reload()
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
    change(preview.root / PIECE, "{{ story.titel }}\n", "")
    expect(page.locator(".fault")).to_have_count(0)


def test_any_broken_file_is_told_and_the_card_goes_when_it_is_mended(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    for file, good, bad in (
        ("topics.toml", "[topic.trade]", "[topic.trade"), ("newsletter.toml", "transport =", "transprot ="),
        ("subscribers/subscribers.csv", "email,name", "who,name"),
    ):
        change(preview.root / file, good, bad)
        expect(page.get_by_role("alert")).to_contain_text(file)
        expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()
        change(preview.root / file, bad, good)
        expect(page.locator(".fault")).to_have_count(0)


def test_a_bad_story_is_a_problem_beside_good_ones(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    expect(page.locator("#problems")).to_be_hidden()
    change(preview.root / STORY, "date: 2026", "date: someday 2026")
    page.locator("#problems summary").click()
    expect(page.locator("#problems")).to_contain_text(STORY)
    expect(edition(page).get_by_role("heading", name=LEAD)).to_be_visible()


def test_nothing_in_the_edition_can_run_script(browser: Browser, shared: Opened) -> None:
    """Even if cleaning failed: the mail's HTML is given a script, and the browser refuses to run it."""
    theft = "document.title = parent.document.title = 'run'"
    evil = f'<script>{theft}</script><img src=x onerror="{theft}">'

    def add(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</body>", f"{evil}</body>"))

    context = browser.new_context()
    page, refused = context.new_page(), list[str]()
    page.on("console", lambda message: refused.append(message.text))
    page.route("**/edition/html*", add)
    for address in (shared.address, f"{shared.address}/edition/html"):
        page.goto(address)
        page.wait_for_function("() => true")
        assert page.title() != "run"
        assert any("script" in each for each in refused)
        refused.clear()
    sandbox = shared.ask("/")[1].decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in sandbox
    context.close()


def test_a_story_called_script_is_harmless(page: Page, preview: Opened) -> None:
    page.goto(preview.address)
    change(preview.root / STORY, LEAD, "'<script>document.title = 1</script><b>& \"more\"'")
    expect(page.locator("#why .in li").first).to_contain_text("<script>document.title = 1</script>")
    assert page.title() != "1"


def test_all_but_the_reloading_works_without_javascript(browser: Browser, shared: Opened) -> None:
    with looking(browser, java_script_enabled=False) as page:
        page.goto(shared.address)
        page.get_by_role("combobox", name="Subscriber").fill("grace")
        page.get_by_role("search").get_by_role("button", name="Show").click()
        expect(page.locator("#who")).to_contain_text("Grace Okafor")
        page.get_by_role("link", name="Dark", exact=True).click()
        expect(page.locator("#who")).to_contain_text("Grace Okafor")
        expect(page.get_by_title("The edition in dark")).to_be_visible()
        page.get_by_label("Issue").select_option("weekly")
        page.locator("#issue-form").get_by_role("button", name="Show").click()
        expect(page.locator("#who")).to_contain_text("Grace Okafor")
