"""Says in plain English what a scene shows, for alt text and tags."""

from __future__ import annotations

from generation.illustrations.catalog import Catalog
from generation.illustrations.language import NUMBERS, article, listed, plural
from generation.illustrations.scene import ABSTRACT, Item, Scene


def told(scene: Scene) -> str:
    """One sentence without its full stop: "Three trees by a river at dusk"."""
    if scene.setting == ABSTRACT:
        return "An abstract pattern of layered paper shapes"
    catalog = Catalog.load()
    setting = catalog.settings[scene.setting]
    moods = [catalog.lights[scene.light].label if setting.sky != "space" else "", catalog.weathers[scene.weather].label]
    if setting.indoors:
        moods[1] = ""
    where = " ".join(part for part in (setting.label, *moods) if part)
    if not scene.items:
        words = setting.label.split(" ", 1)[1]
        return " ".join(part for part in (f"A view of {words}", *moods) if part)
    text = f"{_items(scene.items, catalog)} {where}"
    return text[0].upper() + text[1:]


def _items(items: tuple[Item, ...], catalog: Catalog) -> str:
    """Items in order; one with a relation is told with what it relates to."""
    related = {item.of for item in items if item.relation}
    parts = []
    for item in items:
        if item.relation:
            anchor = next((other for other in items if other.object == item.of), None)
            parts.append(
                f"{_item(item, catalog)} {item.relation} {_item(anchor, catalog)}" if anchor else _item(item, catalog)
            )
        elif item.object not in related:
            parts.append(_item(item, catalog))
    return listed(parts)


def _item(item: Item, catalog: Catalog) -> str:
    label = catalog.objects[item.object].label
    name = f"{item.colour} {label}" if item.colour else label
    if label in catalog.language["collectives"]["mass"]:
        return name
    return f"{article(name)} {name}" if item.count == 1 else f"{NUMBERS[item.count]} {plural(name)}"


def tags(scene: Scene) -> tuple[str, ...]:
    """Plain words to find the picture by."""
    if scene.setting == ABSTRACT:
        return ("abstract", "pattern")
    catalog = Catalog.load()
    found: list[str] = []
    for item in scene.items:
        spec = catalog.objects[item.object]
        found += [spec.label, *([spec.words[0]] if spec.words[0] != spec.label else [])]
        found += [item.colour] if item.colour else []
    found += [scene.setting, scene.light, *([scene.weather] if scene.weather != "clear" else [])]
    return tuple(dict.fromkeys(found))
