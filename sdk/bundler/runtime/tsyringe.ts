/**
 * As much of tsyringe as `core/app` asks for: classes that are made once a container, of what their constructor's
 * decorators name.
 */

type Token = string | symbol;
type Constructor = new (...dependencies: unknown[]) => unknown;
interface Provider {
  useValue?: unknown;
  useFactory?(container: Container): unknown;
}

/** Tokens of a constructor's parameters, in their order. */
const tokensOf = new WeakMap<object, Token[]>();

/** Of a parameter. */
export function inject(token: Token) {
  return (target: object, _method: string | undefined, index: number): void => {
    const tokens = tokensOf.get(target) ?? [];
    tokens[index] = token;
    tokensOf.set(target, tokens);
  };
}

/** Of a class: what there is to know is with its parameters. */
export function injectable() {
  return (): void => {};
}

class Container {
  readonly #made = new Map<Token, () => unknown>();

  constructor(private readonly parent?: Container) {}

  createChildContainer(): Container {
    return new Container(this);
  }

  register(token: Token, { useValue, useFactory }: Provider): void {
    this.#made.set(token, useFactory ? () => useFactory(this) : () => useValue);
  }

  registerSingleton(token: Token, made: Constructor): void {
    this.#made.set(token, () => {
      const value = this.#construct(made);
      this.register(token, { useValue: value });
      return value;
    });
  }

  resolve(token: Token | Constructor): unknown {
    if (typeof token === 'function') return this.#construct(token);
    const make = this.#made.get(token);
    if (make) return make();
    if (!this.parent) throw new Error(`nothing is registered for ${String(token)}`);
    return this.parent.resolve(token);
  }

  #construct(made: Constructor): unknown {
    return new made(...(tokensOf.get(made) ?? []).map((token) => this.resolve(token)));
  }
}

export const container = new Container();
