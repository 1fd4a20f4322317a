// Captions of one scene as they stand on the screen: [{start, end, exact, lines: [[[text, start, end], ...], ...]}].
const MAX_CHARACTERS = 32;
const MAX_LINES = 2;
const WORDS_A_SECOND = 2.6;

// `fits` tells whether a line is narrow enough for the picture.
export function captionsOf(scene, cues, typed, fits) {
  if (cues?.length && (typed === undefined || typed === scene.narration)) return cues;
  return filled(typed ?? scene.narration, fits);
}

// Words that nobody has spoken yet: filled line by line; a sentence's end ends a caption.
function filled(text, fits) {
  const cues = [];
  let lines = [[]];
  let at = 0.15;
  let begun = at;
  const close = () => {
    if (lines[0].length) cues.push({ start: begun, end: at, exact: false, lines });
    lines = [[]];
    begun = at;
  };
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const line = lines.at(-1);
    const longer = [...line.map(([each]) => each), word].join(" ");
    if (line.length && (longer.length > MAX_CHARACTERS || !fits(longer))) {
      if (lines.length === MAX_LINES) close();
      else lines.push([]);
    }
    const end = at + 1 / WORDS_A_SECOND;
    lines.at(-1).push([word, at, end]);
    at = end;
    if (/[.!?…。！？।]["'”’»)]*$/.test(word)) close();
  }
  close();
  return cues;
}
