/**
 * TypeScript as a row of tokens, so that a check never trips over a comment or a string. Only as much of the
 * grammar as the checks need: words, texts, numbers, regular expressions, marks.
 */

export interface Token {
  readonly kind: "word" | "text" | "template" | "number" | "regex" | "mark";
  /** Of a text, or of a piece of a template: what stands between the quotes, not unescaped. */
  readonly text: string;
  readonly line: number;
}

/** After these words a slash begins a regular expression. */
const beforeRegex = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "do",
  "else",
  "void",
  "await",
]);

/** Everything but comments and white space, in order. */
export function tokensOf(source: string): readonly Token[] {
  return new Scanner(source).scan(false);
}

class Scanner {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end, or to the brace that ends a template's expression. */
  scan(isInTemplate: boolean): readonly Token[] {
    let depth = 0;
    while (this.#at < this.#source.length) {
      const char = this.#source.charAt(this.#at);
      if (isInTemplate && char === "}" && depth === 0) break;
      if (char === "{") depth += 1;
      if (char === "}") depth -= 1;
      this.#next(char);
    }
    return this.#tokens;
  }

  #next(char: string): void {
    if (char === "\n") this.#line += 1;
    if (/\s/.test(char)) this.#at += 1;
    else if (this.#source.startsWith("//", this.#at)) this.#skip(/[^\n]*/y);
    else if (this.#source.startsWith("/*", this.#at)) this.#skip(/\/\*[\s\S]*?\*\//y);
    else if (char === '"' || char === "'") this.#quoted(char);
    else if (char === "`") this.#template();
    else if (char === "/" && this.#isRegexHere()) {
      this.#take("regex", /\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[a-z]*/y);
    } else if (/[\p{ID_Start}$_#]/u.test(char)) this.#take("word", /[\p{ID_Continue}$#]+/uy);
    else if (/\d/.test(char)) this.#take("number", /[\w.]+/y);
    else this.#take("mark", /\?\.|=>|./y);
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0] ?? this.#source.charAt(this.#at);
    this.#at += text.length;
    this.#line += text.split("\n").length - 1;
    return text;
  }

  #take(kind: Token["kind"], pattern: RegExp): void {
    const line = this.#line;
    this.#tokens.push({ kind, text: this.#skip(pattern), line });
  }

  #quoted(quote: string): void {
    const line = this.#line;
    const text = this.#skip(quote === '"' ? /"(?:\\.|[^"\\])*"/y : /'(?:\\.|[^'\\])*'/y);
    this.#tokens.push({ kind: "text", text: text.slice(1, -1), line });
  }

  #template(): void {
    this.#at += 1;
    for (;;) {
      const line = this.#line;
      const text = this.#skip(/(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y);
      this.#tokens.push({ kind: "template", text, line });
      const isEnd = !this.#source.startsWith("${", this.#at);
      this.#at += isEnd ? 1 : 2;
      if (isEnd) return;
      this.scan(true);
      this.#at += 1;
    }
  }

  #isRegexHere(): boolean {
    const before = this.#tokens.at(-1);
    if (before === undefined) return true;
    if (before.kind === "word") return beforeRegex.has(before.text);
    return before.kind === "mark" && !")]}".includes(before.text);
  }
}

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

/** What a file imports or re-exports, in any of the ways there are. */
export function importsOf(source: string): readonly Import[] {
  const tokens = tokensOf(source);
  const found: Import[] = [];
  for (const [place, token] of tokens.entries()) {
    if (token.kind !== "word" || tokens[place - 1]?.text === ".") continue;
    const next = tokens[place + 1];
    if (token.text === "import") {
      const target = next?.text === "(" ? tokens[place + 2] : next;
      if (target?.kind === "text") {
        found.push({ specifier: target.text, isTypeOnly: false, line: token.line });
      }
    } else if (token.text === "from" && next?.kind === "text") {
      const isTypeOnly = statementHead(tokens, place)?.text === "type";
      found.push({ specifier: next.text, isTypeOnly, line: token.line });
    }
  }
  return found;
}

/** The token behind the `import` or `export` that a `from` belongs to. */
function statementHead(tokens: readonly Token[], fromPlace: number): Token | undefined {
  for (let place = fromPlace; place >= 0; place -= 1) {
    const text = tokens[place]?.text;
    if (text === "import" || text === "export") return tokens[place + 1];
  }
  return undefined;
}
