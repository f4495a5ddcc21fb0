import { IChangedArgs, PageConfig, URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileBrowser, IUploadModel } from '@jupyterlab/filebrowser';
import { NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';

import { Host } from '../api/port';
import { showStep } from './notebook';

const DATA_FILE =
  /\.(csv|tsv|tab|txt|jsonl?|ndjson|xlsx|parquet|pq|feather|arrow|ipc|dta|z?sav|por|sas7bdat|xpt|db|sqlite3?|duckdb)(\.(gz|bz2|xz|zst))?$|\.zip$/i;

export class LabHost implements Host {
  constructor(
    private readonly commands: CommandRegistry,
    private readonly documents: IDocumentManager,
    private readonly browser: FileBrowser | null
  ) {}

  async upload(
    file: File,
    onProgress?: (share: number) => void
  ): Promise<string> {
    if (!this.browser) {
      throw new Error('This JupyterLab has no file browser to upload with.');
    }
    const { model } = this.browser;
    const follow = (
      _: unknown,
      change: IChangedArgs<IUploadModel | null>
    ): void => {
      const upload = change.newValue;
      if (upload?.path.endsWith(file.name)) {
        onProgress?.(upload.progress);
      }
    };
    model.uploadChanged.connect(follow);
    try {
      return this.localPath((await model.upload(file)).path);
    } finally {
      model.uploadChanged.disconnect(follow);
    }
  }

  selectedFile(): string | null {
    for (const item of this.browser?.selectedItems() ?? []) {
      if (item.type === 'file' && DATA_FILE.test(item.name)) {
        return this.localPath(item.path);
      }
    }
    return null;
  }

  /** The notebook selected in the file browser, if there is one. */
  selectedNotebook(): string | undefined {
    for (const item of this.browser?.selectedItems() ?? []) {
      if (item.type === 'notebook') {
        return this.localPath(item.path);
      }
    }
    return undefined;
  }

  /** Open a notebook, and with `step` show that step of it. */
  async openNotebook(path: string, step?: string): Promise<void> {
    const opened: unknown = await this.commands.execute('docmanager:open', {
      path
    });
    if (step && opened instanceof NotebookPanel) {
      await opened.context.ready;
      await opened.revealed;
      showStep(opened.content, step);
    }
  }

  openRuns(): void {
    void this.commands.execute('modelcompose:open-runs');
  }

  watchRun({ id, name }: { id: string; name: string }): void {
    void this.commands.execute('modelcompose:watch-run', { id, name });
  }

  reportUrl(path: string): string {
    return serverUrl('files', path);
  }

  appUrl(path: string): string {
    return serverUrl('voila/render', path);
  }

  /** A path as the server knows it, without the name of JupyterLab's drive. */
  localPath(path: string): string {
    return this.documents.services.contents.localPath(path);
  }
}

/** The login cookie authenticates the new tab, so that no token stands in an address. */
function serverUrl(route: string, path: string): string {
  return URLExt.join(PageConfig.getBaseUrl(), route, URLExt.encodeParts(path));
}
