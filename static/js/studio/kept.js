// What is typed and not yet saved, kept on this device: one entry for each tab and person, so that neither two tabs nor two
// people at one computer write over each other. A tab that is gone leaves its entry to the next that opens the story.
export class Kept {
  constructor(story, person) {
    this.prefix = `storyloom.story.${story}.${person}.`;
    this.key = `${this.prefix}${uuid()}`;
    this.works = true;
    // Held for as long as this tab lives: others see by it that the entry is somebody's.
    navigator.locks?.request(this.key, () => new Promise(() => {}));
  }

  write(kept) {
    try {
      if (kept) localStorage.setItem(this.key, JSON.stringify(kept));
      else localStorage.removeItem(this.key);
      this.works = true;
    } catch {
      this.works = false; // full, or forbidden: the page says so
    }
  }

  // Call `take` with what each tab that is gone has left.
  async recover(take) {
    let keys = [];
    try {
      keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix) && key !== this.key);
    } catch {
      this.works = false;
    }
    for (const key of keys) {
      if (!navigator.locks) this.hand(key, take);
      else await navigator.locks.request(key, { ifAvailable: true }, (lock) => lock && this.hand(key, take));
    }
  }

  hand(key, take) {
    const text = localStorage.getItem(key);
    if (text === null) return;
    try {
      take(JSON.parse(text));
    } catch {
      // Not ours, or cut off: nothing can be read from it.
    }
    localStorage.removeItem(key);
  }
}

export function uuid() {
  // Pages of plain http have no randomUUID.
  return (
    crypto.randomUUID?.() ??
    "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
    )
  );
}
