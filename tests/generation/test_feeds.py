"""RSS, Atom and CSV are read; what is hostile is refused before it costs anything."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.feeds import MAX_BYTES, MAX_ITEMS, Item, read_feed
from media_processing.engine import EngineError

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Harbour news</title>
<item><title>A lighthouse</title><link>/a</link><guid isPermaLink="false">n-1</guid><description>Teaser</description>
<content:encoded><![CDATA[<p>The harbour got a <b>lighthouse</b>.</p>]]></content:encoded></item>
<item><title>Fish &amp; boats</title><guid>https://news.example/b</guid><description>Boats came.</description></item>
<item><title>A lighthouse, again</title><guid isPermaLink="false">n-1</guid></item>
<item></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
<entry><id>tag:1</id><title>One</title><link rel="self" href="/x"/><link href="/one"/><summary>Short.</summary></entry>
<entry><id>tag:2</id><title type="html">Two</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>Long <em>text</em>.</p></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<item rdf:about="https://news.example/1"><title>One</title><link>https://news.example/1</link></item></rdf:RDF>"""


def test_rss() -> None:
    assert read_feed(RSS.encode(), url="https://news.example/feed.xml") == [
        Item("n-1", "A lighthouse", "<p>The harbour got a <b>lighthouse</b>.</p>", "https://news.example/a"),
        Item("https://news.example/b", "Fish & boats", "Boats came.", "https://news.example/b"),
    ]


def test_atom() -> None:
    one, two = read_feed(ATOM.encode(), url="https://news.example/")
    assert one == Item("tag:1", "One", "Short.", "https://news.example/one")
    assert (two.guid, two.title, two.url) == ("tag:2", "Two", "")
    assert "<em" in two.text


def test_rss_1() -> None:
    assert [item.guid for item in read_feed(RDF.encode())] == ["https://news.example/1"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(encoding: str) -> None:
    content = ATOM.replace("One", "Ünø").encode(encoding)
    assert read_feed(content)[0].title == "Ünø"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_tables(mark: str) -> None:
    rows = [
        ["Headline", "Text", "Link"],
        ["A", "The text of it.", "https://a.example/"],
        ["B", "More.", "javascript:x"],
    ]
    found = read_feed("\ufeff".encode() + "\n".join(mark.join(row) for row in rows).encode())
    assert [(item.title, item.text, item.url) for item in found] == [
        ("A", "The text of it.", "https://a.example/"), ("B", "More.", "")
    ]  # fmt: skip
    assert found[0].guid == "https://a.example/"
    assert found[1].guid == read_feed(mark.join(rows[0]).encode() + b"\n" + mark.join(rows[2]).encode())[0].guid


CHANNEL = "<rss><channel><item><title>{}</title></item></channel></rss>"
BILLION = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">%s]>' + CHANNEL.format("&z;")
LAUGHS = BILLION % "".join(
    f'<!ENTITY {name} "{("&" + before + ";") * 10}">' for before, name in zip("abcdefghij", "bcdefghijz", strict=True)
)


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS,
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd"><rss><channel><item><title>a</title></item></channel></rss>',
        '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]><rss/>',
        "<rss><channel>" + "<a>" * 5000 + "</a>" * 5000 + "</channel></rss>",
        "<rss><channel><item><title>never closed",
        "<html><body>a page</body></html>", "<rss><channel></channel></rss>", "<feed/>", "<", "", "nonsense",
        "title\nonly a title", "a,b\x00c\n1,2", "title,text\n",
    ],
)  # fmt: skip
def test_what_is_refused(content: str) -> None:
    started = time.process_time()
    tracemalloc.start()
    with pytest.raises(EngineError) as caught:
        read_feed(content.encode())
    assert caught.value.next_step
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert time.process_time() - started < 1


def test_an_entity_is_never_opened() -> None:
    with pytest.raises(EngineError, match="DOCTYPE"):
        read_feed(b'<!DOCTYPE rss [<!ENTITY x "y">]><rss><channel><item><title>&x;</title></item></channel></rss>')


def test_bounds() -> None:
    with pytest.raises(EngineError, match="larger"):
        read_feed(b" " * (MAX_BYTES + 1))
    items = "".join(f"<item><title>{number}</title></item>" for number in range(MAX_ITEMS + 50))
    assert len(read_feed(f"<rss><channel>{items}</channel></rss>".encode())) == MAX_ITEMS


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=300).map(str.encode),
        st.binary(max_size=60).map(lambda noise: RSS.encode()[:200] + noise + RSS.encode()[200:]),
    )
)
def test_whatever_comes_is_articles_or_a_refusal(content: bytes) -> None:
    try:
        found = read_feed(content)
    except EngineError:
        return
    assert found
    assert all(item.url == "" or item.url.startswith(("http://", "https://")) for item in found)
