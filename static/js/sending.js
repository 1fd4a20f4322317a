// A sender for tus 1.0 (https://tus.io/protocols/resumable-upload): one file, in pieces with checksums, going on where
// the server stands after anything that broke. It throws Refused for what asking again can't mend.
import { gettext } from "./words.js";
export const PIECE = 4 * 2 ** 20;
const LONGEST_WAIT = 30_000;

export class Refused extends Error {}

// `entry` is {file, name, size, said, url}. Tells `moved(offset)` as it goes and `begun(url)` once there is an address.
export async function send(entry, address, { moved, begun, signal }) {
  let offset = -1; // the server has to say where it stands
  let tries = 0;
  while (offset < entry.size) {
    try {
      if (!entry.url) {
        const first = entry.size <= PIECE ? await piece(entry.file, 0) : null;
        const answer = await ask(address, "POST", { ...about(entry), ...first?.headers }, first?.bytes, signal);
        entry.url = answer.headers.get("Location");
        offset = Number(answer.headers.get("Upload-Offset"));
        await begun(entry.url);
      } else if (offset < 0) {
        const answer = await ask(entry.url, "HEAD", {}, null, signal);
        offset = Number(answer.headers.get("Upload-Offset"));
      } else {
        const { bytes, headers } = await piece(entry.file, offset);
        const answer = await ask(entry.url, "PATCH", { "Upload-Offset": offset, ...headers }, bytes, signal);
        offset = Number(answer.headers.get("Upload-Offset"));
      }
      tries = 0;
      moved(offset);
    } catch (error) {
      if (signal.aborted || error instanceof Refused) throw error;
      if (error.gone) entry.url = "";
      offset = -1;
      tries += 1;
      moved(-1);
      await rest(Math.min(LONGEST_WAIT, 500 * 2 ** tries), signal);
    }
  }
}

export async function forget(url) {
  await fetch(url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": document.body.dataset.csrf } });
}

function about({ name, size, said, file }) {
  const told = Object.entries({ filename: name, filetype: file.type, ...said }).filter(([, value]) => value);
  return { "Upload-Length": size, "Upload-Metadata": told.map(([key, value]) => `${key} ${base64(new TextEncoder().encode(value))}`).join(",") };
}

async function piece(file, offset) {
  const bytes = await file.slice(offset, offset + PIECE).arrayBuffer().catch(() => {
    throw new Refused(gettext("The file can't be read any more. Choose it again."));
  });
  const headers = { "Content-Type": "application/offset+octet-stream" };
  // Only pages of a secure address (or of this machine) may compute digests.
  const digest = await crypto.subtle?.digest("SHA-256", bytes);
  if (digest) headers["Upload-Checksum"] = `sha256 ${base64(new Uint8Array(digest))}`;
  return { bytes, headers };
}

async function ask(url, method, headers, body, signal) {
  const common = { "Tus-Resumable": "1.0.0", "X-CSRFToken": document.body.dataset.csrf };
  const answer = await fetch(url, { method, body, signal, headers: { ...common, ...headers } });
  if (answer.redirected) throw new Refused(gettext("You were signed out. Sign in, then try again: it goes on where it was."));
  if (answer.ok) return answer;
  if (method !== "POST" && (answer.status === 404 || answer.status === 410)) throw Object.assign(new Error("gone"), { gone: true });
  if ([409, 423, 429, 460].includes(answer.status) || answer.status >= 500 && answer.status !== 507) throw new Error(String(answer.status));
  const told = await answer.json().catch(() => ({}));
  throw new Refused(`${told.message ?? gettext("It wasn't taken.")} ${told.next_step ?? ""}`.trim());
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

// Until the time is over, or the network is back.
function rest(time, signal) {
  return new Promise((done) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      done();
    };
    const timer = setTimeout(wake, time);
    addEventListener("online", wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
