import { createElement, ReactElement, ReactNode } from 'react';

/** Equations of a model as MathML; what is not known of LaTeX is shown as it is. */
export function Equation({ latex }: { latex: string }) {
  const lines = latex.split(/\\\\/).filter(line => line.trim() !== '');
  return (
    <div className="jp-modelcompose-Equation" tabIndex={0}>
      {lines.map((line, at) => (
        <Line key={at} latex={line} />
      ))}
    </div>
  );
}

function Line({ latex }: { latex: string }): ReactElement {
  try {
    return element('math', readAll(latex), { display: 'block' });
  } catch (reason) {
    if (reason instanceof Unknown) {
      return <code>{latex.trim()}</code>;
    }
    throw reason;
  }
}

/** The equation holds something that is not read here. */
class Unknown extends Error {}

const GREEK: Record<string, string> = {
  alpha: 'α',
  beta: 'β',
  gamma: 'γ',
  delta: 'δ',
  epsilon: 'ε',
  zeta: 'ζ',
  eta: 'η',
  theta: 'θ',
  kappa: 'κ',
  lambda: 'λ',
  mu: 'μ',
  nu: 'ν',
  xi: 'ξ',
  pi: 'π',
  rho: 'ρ',
  sigma: 'σ',
  tau: 'τ',
  phi: 'φ',
  psi: 'ψ',
  omega: 'ω',
  Sigma: 'Σ',
  Omega: 'Ω',
  ell: 'ℓ'
};
const OPERATORS: Record<string, string> = {
  sim: '∼',
  cdot: '·',
  times: '×',
  vert: '|',
  mid: '|',
  le: '≤',
  ge: '≥',
  leq: '≤',
  geq: '≥',
  sum: '∑',
  prod: '∏',
  to: '→',
  in: '∈',
  ldots: '…',
  dots: '…',
  infty: '∞',
  propto: '∝',
  approx: '≈'
};
const SPACES: Record<string, string> = {
  ',': '0.17em',
  ';': '0.28em',
  ' ': '0.25em',
  quad: '1em',
  qquad: '2em'
};
const FUNCTIONS = ['log', 'exp', 'max', 'min', 'sin', 'cos', 'Pr'];
const UPRIGHT = ['mathrm', 'text', 'operatorname', 'textrm'];
const IGNORED = ['left', 'right', 'mathbf', 'boldsymbol', 'mathcal'];
const ESCAPED = '{}_$%&#|';
const TOKEN = /\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|./gsu;

function element(
  name: string,
  children: ReactNode[],
  attributes: object = {}
): ReactElement {
  return createElement(name, attributes, ...children);
}

function readAll(latex: string): ReactElement[] {
  const reader = new Reader(latex.match(TOKEN) ?? []);
  const row = reader.row();
  if (reader.peek() !== undefined) {
    throw new Unknown();
  }
  return [row];
}

/** Reads the small part of LaTeX in which equations of models are written. */
class Reader {
  private at = 0;

  constructor(private readonly tokens: string[]) {}

  peek(): string | undefined {
    return this.tokens[this.at];
  }

  /** Read up to the end or a closing brace. */
  row(): ReactElement {
    const parts: ReactElement[] = [];
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token === '}') {
        break;
      }
      if (/^\s+$/.test(token) || IGNORED.includes(token.slice(1))) {
        this.at++;
      } else {
        parts.push(this.scripted());
      }
    }
    return element('mrow', parts);
  }

  private next(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) {
      throw new Unknown();
    }
    return token;
  }

  /** Read one element with its index and its power. */
  private scripted(): ReactElement {
    const base = this.element();
    const scripts: Record<string, ReactElement> = {};
    for (
      let mark = this.peek();
      mark === '_' || mark === '^';
      mark = this.peek()
    ) {
      this.at++;
      if (mark in scripts) {
        throw new Unknown();
      }
      scripts[mark] = this.element();
    }
    const { _: below, '^': above } = scripts;
    if (below && above) {
      return element('msubsup', [base, below, above]);
    }
    if (below) {
      return element('msub', [base, below]);
    }
    return above ? element('msup', [base, above]) : base;
  }

  private element(): ReactElement {
    const token = this.next();
    if (token === '{') {
      return this.group();
    }
    if (token.startsWith('\\')) {
      return this.command(token.slice(1));
    }
    if ('}_^&$#%~'.includes(token)) {
      throw new Unknown();
    }
    if (/^\d/.test(token)) {
      return element('mn', [token]);
    }
    return element(/^\p{L}$/u.test(token) ? 'mi' : 'mo', [token]);
  }

  private group(): ReactElement {
    const row = this.row();
    this.next();
    return row;
  }

  private command(name: string): ReactElement {
    if (UPRIGHT.includes(name)) {
      return element('mi', [this.words()], { mathvariant: 'normal' });
    }
    if (FUNCTIONS.includes(name)) {
      return element('mi', [name], { mathvariant: 'normal' });
    }
    if (name === 'frac') {
      return element('mfrac', [this.element(), this.element()]);
    }
    if (name === 'sqrt') {
      return element('msqrt', [this.element()]);
    }
    if (GREEK[name]) {
      return element('mi', [GREEK[name]]);
    }
    if (OPERATORS[name]) {
      return element('mo', [OPERATORS[name]]);
    }
    if (SPACES[name]) {
      return element('mspace', [], { width: SPACES[name] });
    }
    if (ESCAPED.includes(name)) {
      return element('mo', [name]);
    }
    throw new Unknown();
  }

  /** Read a group as plain text, such as the name of a column. */
  private words(): string {
    if (this.next() !== '{') {
      throw new Unknown();
    }
    let found = '';
    for (let token = this.next(); token !== '}'; token = this.next()) {
      found += token.startsWith('\\') ? wordOf(token.slice(1)) : token;
    }
    return found;
  }
}

function wordOf(name: string): string {
  const symbol = OPERATORS[name] ?? GREEK[name];
  if (symbol !== undefined) {
    return symbol;
  }
  if (SPACES[name] !== undefined) {
    return '';
  }
  if (/^[A-Za-z]+$/.test(name)) {
    throw new Unknown();
  }
  return name;
}
