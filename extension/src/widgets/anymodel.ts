/** What anywidget hands to a widget: the traits of the Python object, and their news. */
export interface AnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, listener: (content?: unknown) => void): void;
  off(event: string, listener: (content?: unknown) => void): void;
}

/** A widget that also asks: an answer comes as the event `msg:custom`. */
export interface AskingModel extends AnyModel {
  send(content: unknown): void;
}
