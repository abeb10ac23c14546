/** How wide a text stands in a terminal, and texts that cannot do anything to the terminal. */

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const withoutWidth = /\p{M}|\u200b|\u200d|\ufe0f/u;
/** Control characters, marks that turn the direction of writing, and halves of characters. */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Columns that a text takes; a Chinese character takes two. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (!withoutWidth.test(character)) columns += wide.test(character) ? 2 : 1;
  }
  return columns;
}

/** The text with blanks behind it until it is so wide. */
export function padTo(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

/** The text in pieces that are at most so wide; broken at a blank where there is one near the end. */
export function piecesOf(text: string, columns: number): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const character of text) {
    const step = widthOf(character);
    if (width + step > columns) {
      const blank = piece.lastIndexOf(" ");
      const isAtBlank = character === " " || blank < piece.length / 2;
      const breakAt = isAtBlank ? piece.length : blank + 1;
      pieces.push(piece.slice(0, breakAt).trimEnd());
      piece = piece.slice(breakAt);
      width = widthOf(piece);
    }
    if (piece === "" && character === " " && pieces.length > 0) continue;
    piece += character;
    width += step;
  }
  return [...pieces, piece];
}

/** What a meter sent must not move the cursor or hide a line: such characters are shown by their number. */
export function shown(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const digits = code.toString(16).padStart(2, "0");
    return code < 0x100 ? `\\x${digits}` : `\\u{${digits}}`;
  });
}
