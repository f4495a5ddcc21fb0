import { cleanup } from '@testing-library/react';

// What JupyterLab's packages expect of a browser and jsdom lacks.
class Stub {
  observe() {}
  unobserve() {}
  disconnect() {}
}

Object.assign(globalThis, {
  DragEvent: globalThis.DragEvent ?? class extends Event {},
  ResizeObserver: globalThis.ResizeObserver ?? Stub
});
window.matchMedia ??= () =>
  ({
    matches: false,
    addEventListener() {},
    removeEventListener() {}
  }) as unknown as MediaQueryList;

afterEach(cleanup);
