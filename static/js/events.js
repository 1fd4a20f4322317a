// What happens in the workspace, as it happens. One tab holds the stream and tells the others: browsers allow six
// connections to a server over all tabs. Where a stream doesn't get through, the same events are polled.
const POLL_EVERY = 2000;
const listeners = new Set();
let after = 0;

// Call `tell` with every event: {id, kind, story, job, person, data}.
export function listen(tell) {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

// A function to call when something happened: `look` runs `wait` milliseconds later, once for all calls until then and
// never twice at a time, so what it shows last is what was asked for last.
export function refresher(look, wait) {
  let due = 0;
  let looking = false;
  let missed = false;
  const ask = () => {
    if (looking) missed = true;
    else if (!due) due = setTimeout(run, wait);
  };
  const run = async () => {
    due = 0;
    looking = true;
    await Promise.resolve(look()).catch(() => {}); // offline: the next event tells
    looking = false;
    if (!missed) return;
    missed = false;
    ask();
  };
  return ask;
}

export function start() {
  const { events, poll, after: begun } = document.body.dataset;
  if (!events) return;
  after = Number(begun) || 0;
  const others = new BroadcastChannel("storyloom.events");
  others.onmessage = ({ data }) => take(data);
  const tell = (event) => {
    take(event);
    others.postMessage(event);
  };
  if (navigator.locks) navigator.locks.request("storyloom.events", () => follow(events, poll, tell));
  else follow(events, poll, tell);
}

function take(event) {
  if (event.id <= after) return;
  after = event.id;
  for (const tell of listeners) tell(event);
}

// Never resolves: while this tab lives, it keeps the stream.
function follow(address, poll, tell) {
  return new Promise(() => {
    let failures = 0;
    const open = () => {
      const source = new EventSource(`${address}?after=${after}`);
      source.onmessage = ({ data }) => {
        failures = 0;
        tell(JSON.parse(data));
      };
      source.onerror = () => {
        failures += 1;
        if (source.readyState !== EventSource.CLOSED && failures < 3) return;
        source.close();
        ask(poll, tell, open);
      };
    };
    open();
  });
}

// Poll for a minute, then try a stream again.
async function ask(poll, tell, open) {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    try {
      const answer = await fetch(`${poll}?after=${after}`, { headers: { Accept: "application/json" } });
      if (answer.redirected || answer.status === 404) return; // signed out
      const { events } = await answer.json();
      for (const event of events) tell(event);
    } catch {
      // Offline: the next round tells.
    }
    await new Promise((done) => setTimeout(done, POLL_EVERY));
  }
  open();
}
