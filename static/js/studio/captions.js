// Captions of one scene as they stand on the screen: [{start, end, exact, lines: [[[text, start, end], ...], ...]}].
const MAX_CHARACTERS = 32;
const MAX_LINES = 2;
const WORDS_A_SECOND = 2.6;

export function captionsOf(scene, cues, typed) {
  if (cues?.length && (typed === undefined || typed === scene.narration)) return cues;
  return filled(typed ?? scene.narration);
}

// Words that nobody has spoken yet: filled line by line; a sentence's end ends a caption.
function filled(text) {
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
    const length = line.reduce((sum, [each]) => sum + each.length + 1, 0) + word.length;
    if (line.length && length > MAX_CHARACTERS) {
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
