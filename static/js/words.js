// The words of scripts in the page's language. Where it isn't English, base.html loads a catalogue before any module.
const catalogue = globalThis.django;

// gettext("Scene %(number)s", { number: 3 })
export function gettext(text, values = {}) {
  return fill(catalogue?.gettext ? catalogue.gettext(text) : text, values);
}

// ngettext("%(count)s file", "%(count)s files", 2)
export function ngettext(one, many, count, values = {}) {
  const text = catalogue?.ngettext ? catalogue.ngettext(one, many, count) : count === 1 ? one : many;
  return fill(text, { count, ...values });
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
