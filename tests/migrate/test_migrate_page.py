"""The report: every finding has its row and is counted, and whatever a script holds is text in it."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from calando.migrate import CERTAINTIES, Finding, Wish, migrate
from calando.migrate.finding import Spoken
from calando.migrate.page import page
from calando.migrate.prove.compare import Level, Proof
from calando.migrate.told import summary
from programs import SCRIPT

EVIL = "<u x='1' y=\"2\">&amp;\N{RIGHT-TO-LEFT OVERRIDE}"
SHOWN = "<u x='1' y=\"2\">&amp;\\u202e"  # as the reader is to see it


class Reader(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.titles, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert tag != "u" and not {"x", "y"} & dict(attrs).keys(), (tag, attrs)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def done():
    return migrate({"train.py": SCRIPT}, Wish("calando"))


def test_every_finding_has_a_row(done):
    rows = Reader(page(done)).tags.count("tr")
    for number, certainty in enumerate(CERTAINTIES, 1):
        done = replace(done, findings=[*done.findings, Finding("train.py", 1, certainty, "x", "y")])
        assert Reader(page(done)).tags.count("tr") == rows + number


def test_whatever_stands_in_a_script_is_text(done):
    lines = range(1, len(SCRIPT.splitlines()) + 1)
    findings = [Finding("train.py", line, certainty, EVIL, EVIL) for line in lines for certainty in CERTAINTIES[2:]]
    done = replace(
        done,
        findings=[*findings, Finding(EVIL, 1, CERTAINTIES[0], "", "")],
        spoken=[Spoken(EVIL, 1, EVIL, EVIL, EVIL, EVIL)],
        unread=[EVIL],
        results=[*done.results, replace(done.results[0], name=EVIL)],
    )
    proof = Proof(EVIL, [Level(1, EVIL, True, True, EVIL)], room=EVIL)
    seen = Reader(page(done, [proof]))
    # two of each finding, a file, five of what is said aloud, what is unread, a result, four of the proof
    assert seen.text.count(SHOWN) == 2 * len(findings) + 1 + 5 + 1 + 1 + 4
    assert seen.titles and set(seen.titles) == {SHOWN}


def test_a_line_links_to_the_finding_of_its_own_file(done):
    told = [Finding(name, line, CERTAINTIES[2], "x", name) for name in ("train.py", "b.py") for line in range(1, 9)]
    two = replace(done, findings=told, results=[*done.results, replace(done.results[0], name="b.py")])
    titles = Reader(page(two)).titles
    assert titles == sorted(titles, reverse=True) and set(titles) == {"train.py", "b.py"}


def test_every_certainty_is_counted_once_there_is_one(done):
    found = [Finding("train.py", 1, certainty, "x", "y") for certainty in (*CERTAINTIES, CERTAINTIES[0])]
    told = "1 of 1 script changed; 2 rewritten; 1 rewritten, please check; 1 needs a human; 1 stays as it is"
    assert summary(replace(done, findings=found)) == told
    twice = summary(replace(done, findings=2 * found))
    assert twice.endswith("; 2 rewritten, please check; 2 need a human; 2 stay as they are")
    assert summary(replace(done, findings=[])) == "1 of 1 script changed; no optimizer and no schedule was found"


def test_scripts_in_which_nothing_changes_are_one_list(done):
    same = replace(done.results[0], after=done.results[0].before)
    whole = page(replace(done, results=[*done.results, *(replace(same, name=f"{name}.py") for name in "bcd")]))
    assert whole.count("<h2>Nothing changes in</h2>") == 1 and whole.count('<li class="code">') == 3
    assert "Nothing changes in" not in page(done)
