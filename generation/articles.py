"""Reading an article: from pasted text, Markdown or a web page to plain text with a title and a language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import trafilatura
from charset_normalizer import from_bytes
from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from generation.engines.base import Article
from generation.languages import detect_language
from generation.sentences import paragraphs, sentences
from media_processing.engine import EngineError

MAX_BYTES = 2 * 1024 * 1024
MAX_WORDS = 20_000
_MAX_TITLE = 200

_BINARY = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a Word document or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a sound"),
    (b"\x1f\x8b", "an archive"),
    (b"ID3", "a sound"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "a rich-text document"),
)
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_HTML_START = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_HTML_BLOCK = re.compile(r"</(?:p|div|h[1-6]|article|li|ul|section|table)\s*>", re.I)
_MARKDOWN = re.compile(r"(?m)^#{1,6} \S|\[[^\]\n]+\]\([^)\s]+\)|^(?:\*|-|\d+\.) +\*\*|^```|\*\*[^*\n]+\*\*|^> \S")
_URL = re.compile(r"(?:\(|\[|<)?\b(?:https?://|www\.)[^\s<>()\[\]]+(?:\)|\]|>)?", re.I)
# Characters that show nothing and can hide or reorder text; the joiners stay, since Hindi and Persian need them.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{4,}px|clip\s*:\s*rect\(\s*0",
    re.I,
)
_DROPPED = "script style noscript template svg iframe object form nav figure aside footer"
_DROPPED_TAGS = frozenset(_DROPPED.split())
_INLINE = "a b i em strong span u mark small abbr time cite code sub sup font"
_INLINE_TAGS = _INLINE.split()
_BLOCK_TAGS = {
    "p",
    "div",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "section",
    "article",
    "tr",
    "dt",
    "dd",
}
_NOISE = re.compile(
    r"(?:advertisement|sponsored|share this(?: article)?|read more|related(?: articles)?|sign up|subscribe(?: now)?"
    r"|comments?|\d+ min(?:ute)?s? read|follow us.*|photo(?:graph)?: .*|image: .*|getty images|©.*"
    r"|all rights reserved.*)[.:]?",
    re.I,
)
_SITE_TAIL = re.compile(r"\s+(?:[|·»]|[-–—](?=\s[^-–—|]{2,30}$))\s+[^|·»]{2,40}$")
_CASELESS = re.compile(r"[\u0590-\u1fff\u2e80-\ud7ff]")


def read_article(content: bytes | str, *, content_type: str = "", name: str = "", url: str = "") -> Article:
    """Read plain text, Markdown or HTML. Nothing of it is run or fetched, and text that a page hides is dropped.

    `content_type` and `name` (of a file) help where they are known. Raises EngineError for what isn't a text,
    is empty, or is longer than MAX_BYTES or MAX_WORDS.
    """
    text = _decoded(content, content_type)
    form = _form_of(text, content_type, name)
    hint = ""
    if form == "html":
        title, text, hint = _from_html(text)
    elif form == "markdown":
        title, text = _from_markdown(text)
    else:
        title, text = _from_plain(text)
    text = _tidied(text)
    if not text:
        text, title = title, ""
    if not text:
        raise EngineError(
            "No article text was found in it.", next_step="Open the page, copy its text and paste it.", permanent=True
        )
    words = word_count(text)
    if words > MAX_WORDS:
        raise EngineError(
            f"The article has {words:,} words; {MAX_WORDS:,} is the most.",
            next_step="Paste a part of it.",
            permanent=True,
        )
    return Article(text=text, title=_clean_title(title), language=detect_language(text, hint), url=url)


def word_count(text: str) -> int:
    """Words of a text; in scripts without spaces, two characters count as one word."""
    wide = len(_WIDE.findall(text))
    return len(_WIDE.sub(" ", text).split()) + wide // 2


def _decoded(content: bytes | str, content_type: str) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise EngineError(
            f"The article is larger than {MAX_BYTES // 1024 // 1024} MB.",
            next_step="Paste its text instead.",
            permanent=True,
        )
    if isinstance(content, bytes):
        _refuse_binary(content, content_type)
        content = _text_of(content, content_type)
    content = content.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate can't be stored
    content = content.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    if len(_CONTROL.findall(content)) > max(4, len(content) // 100):
        raise _not_a_text("a binary file")
    return _INVISIBLE.sub("", _CONTROL.sub("", content))


def _refuse_binary(content: bytes, content_type: str) -> None:
    for start, kind in _BINARY:
        if content.startswith(start):
            raise _not_a_text(kind)
    main = content_type.split(";")[0].strip().lower()
    if main.startswith(("image/", "audio/", "video/", "font/")) or main in {"application/pdf", "application/zip"}:
        raise _not_a_text(main)


def _not_a_text(kind: str) -> EngineError:
    return EngineError(
        f"This is {kind}, not a text.", next_step="Open it, copy its text and paste it here.", permanent=True
    )


def _text_of(content: bytes, content_type: str) -> str:
    """Decode bytes: by byte-order mark, stated charset, UTF-8, and only then by guessing."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    stated = _CHARSET.search(content_type) or _CHARSET.search(content[:2048].decode("ascii", "ignore"))
    for encoding in ([stated[1]] if stated else []) + ["utf-8"]:
        try:
            text = content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\x00" not in text:
            return text
    if b"\x00" in content:
        raise _not_a_text("a binary file")
    best = from_bytes(content[:200_000]).best()
    if best is None:
        raise _not_a_text("a binary file")
    return content.decode(best.encoding, "replace")


def _form_of(text: str, content_type: str, name: str) -> str:
    main, ending = content_type.split(";")[0].strip().lower(), name.lower().rpartition(".")[2]
    if main in {"text/html", "application/xhtml+xml"} or ending in {"html", "htm", "xhtml"}:
        return "html"
    if main in {"text/markdown", "text/x-markdown"} or ending in {"md", "markdown"}:
        return "markdown"
    if _HTML_START.match(text) or len(_HTML_BLOCK.findall(text[:20_000])) >= 2:
        return "html"
    return "markdown" if len(_MARKDOWN.findall(text[:20_000])) >= 2 or re.match(r"# \S", text) else "plain"


def _from_html(text: str) -> tuple[str, str, str]:
    """Title, text and stated language of a page."""
    parser = lxml_html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        tree = lxml_html.document_fromstring(text.encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return "", "", ""
    hint = tree.get("lang") or tree.get("xml:lang") or ""
    title = _html_title(tree)
    _drop_hidden(tree)
    plain = "\n\n".join(_blocks(tree))
    found = trafilatura.extract(
        tree, output_format="txt", include_comments=False, include_tables=False, include_links=False
    )
    main = "\n\n".join(line.removeprefix("- ") for line in (found or "").split("\n") if line.strip())
    # Short pages and pasted fragments have too little around the article for trafilatura to tell it apart.
    # (Its deduplication is off: it remembers earlier pages, and gives nothing for one that is read again.)
    if not main or word_count(plain) < max(60, 1.3 * word_count(main)):
        main = plain
    return title, _without_title(main, title), hint


def _html_title(tree: lxml_html.HtmlElement) -> str:
    headings = [" ".join(h.text_content().split()) for h in tree.iter("h1")]
    headings = [heading for heading in headings if heading]
    shared = [str(value) for value in tree.xpath("//meta[@property='og:title']/@content") if str(value).strip()]
    own = [" ".join(t.text_content().split()) for t in tree.xpath("//head/title")]
    if len(headings) == 1:
        return headings[0]
    return next(iter([*shared, *own, *headings]), "")


def _drop_hidden(tree: lxml_html.HtmlElement) -> None:
    """Take out what a reader of the page doesn't see: a place to hide instructions in."""
    doomed = [
        element
        for element in tree.iter()
        if not isinstance(element.tag, str)
        or element.tag in _DROPPED_TAGS
        or element.get("hidden") is not None
        or (element.get("aria-hidden") or "").lower() == "true"
        or _HIDDEN_STYLE.search(element.get("style") or "")
    ]
    for element in doomed:
        if element.getparent() is not None and element.tag not in ("html", "body"):
            element.drop_tree()
    for element in list(tree.iter(*_INLINE_TAGS)):
        if element.tag == "sup" and not (element.text_content() or "").strip().isalpha():
            element.drop_tree()  # the number of a footnote
        else:
            element.drop_tag()  # its words stay in their sentence


def _blocks(tree: lxml_html.HtmlElement) -> Iterator[str]:
    """The text of the innermost blocks, in order."""
    body = tree.find("body")
    for element in (body if body is not None else tree).iter():
        if isinstance(element.tag, str) and element.tag in _BLOCK_TAGS:
            if any(isinstance(child.tag, str) and child.tag in _BLOCK_TAGS for child in element.iterdescendants()):
                continue
            text = " ".join(element.text_content().split())
            if text:
                yield text
    if body is not None and not any(isinstance(e.tag, str) and e.tag in _BLOCK_TAGS for e in body.iterdescendants()):
        yield " ".join(body.text_content().split())


def _from_markdown(text: str) -> tuple[str, str]:
    """Title (the first heading of level 1) and text."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)  # front matter
    title, parts, level = "", [], ""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "heading_open":
            level = token.tag
        elif token.type == "heading_close":
            level = ""
        elif token.type == "html_block":
            parts.append(" ".join(re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>", " ", token.content).split()))
        elif token.type == "inline":
            line = _inline_text(token)
            if level == "h1" and not title:
                title = line
            elif line:
                parts.append(line)
    return title, "\n\n".join(parts)


def _inline_text(token: Token) -> str:
    pieces: list[str] = []
    for child in token.children or ():
        if child.type in {"text", "code_inline"}:
            pieces.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            pieces.append(" ")
    return " ".join("".join(pieces).split())


def _from_plain(text: str) -> tuple[str, str]:
    """Title (a first line that looks like one) and text with real paragraphs."""
    blocks = [block for block in re.split(r"\n[ \t]*\n+", text.strip()) if block.strip()]
    parts = [part for block in blocks for part in _lines_to_paragraphs(block)]
    if len(parts) < 2:
        return "", "\n\n".join(parts)
    first, rest = parts[0], parts[1:]
    stands_apart = "\n" not in blocks[0].strip() or len(parts) > 3
    if stands_apart and _looks_like_title(first) and word_count(" ".join(rest)) >= 40:
        return first, "\n\n".join(rest)
    return "", "\n\n".join(parts)


def _looks_like_title(line: str) -> bool:
    return len(line) <= 120 and word_count(line) <= 20 and line[-1] not in ".。।,;:" and not line.startswith(("-", "•"))


def _lines_to_paragraphs(block: str) -> list[str]:
    """Undo hard wrapping: join lines, unless they are a list, notes, or paragraphs of one line each."""
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    if len(lines) < 2:
        return lines
    bullets = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")
    begins = [line.lstrip("\"'“”„«‘’(¿¡") or line for line in lines[1:]]  # somebody's words begin a paragraph, too
    fresh = sum(bool(bullets.match(x)) or x[0].isupper() or x[0].isdigit() or bool(_CASELESS.match(x)) for x in begins)
    wrapped = sum(line[-1] not in '.!?…"”。।' for line in lines[:-1])
    longest = max(len(line) for line in lines)
    if (
        longest < 60
        or any(bullets.match(line) for line in lines)
        or (fresh >= 0.9 * (len(lines) - 1) and (wrapped < 0.5 * len(lines) or len(lines) == 2))
    ):
        return [bullets.sub("", line) for line in lines]
    return [" ".join(lines)]


def _tidied(text: str) -> str:
    kept = []
    for paragraph in paragraphs(_URL.sub("", text)):
        line = unicodedata.normalize("NFC", re.sub(r"\s+([,.;:!?])(?=\s|$)", r"\1", paragraph)).strip()
        line = re.sub(r"^(?:[-*•–]|#{1,6})\s+", "", line)
        if line and any(ch.isalnum() for ch in line) and not _NOISE.fullmatch(line):
            kept.append(line)
    return "\n\n".join(kept)


def _without_title(text: str, title: str) -> str:
    first, _, rest = text.partition("\n\n")
    return (
        rest
        if rest and title and first.strip().casefold() in (title.casefold(), _clean_title(title).casefold())
        else text
    )


def _clean_title(title: str) -> str:
    """The title without the name of its site ("... | The Daily Post")."""
    title = " ".join(title.split())
    short = _SITE_TAIL.sub("", title)
    title = short if word_count(short) >= 3 else title
    return title if len(title) <= _MAX_TITLE else title[:_MAX_TITLE].rsplit(" ", 1)[0] + "…"


__all__ = ["MAX_BYTES", "MAX_WORDS", "Article", "read_article", "sentences", "word_count"]
