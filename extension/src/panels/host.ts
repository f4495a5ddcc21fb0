import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileBrowser } from '@jupyterlab/filebrowser';
import { CommandRegistry } from '@lumino/commands';

import { Host } from '../api/port';

const DATA_FILE = /\.(csv|tsv|json|xlsx|parquet)$/i;

export class LabHost implements Host {
  constructor(
    private readonly commands: CommandRegistry,
    private readonly documents: IDocumentManager,
    private readonly browser: FileBrowser | null
  ) {}

  async upload(file: File): Promise<string> {
    if (!this.browser) {
      throw new Error('This JupyterLab has no file browser to upload with.');
    }
    const stored = await this.browser.model.upload(file);
    return this.localPath(stored.path);
  }

  selectedFile(): string | null {
    for (const item of this.browser?.selectedItems() ?? []) {
      if (item.type === 'file' && DATA_FILE.test(item.name)) {
        return this.localPath(item.path);
      }
    }
    return null;
  }

  async openNotebook(path: string): Promise<void> {
    await this.commands.execute('docmanager:open', { path });
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
