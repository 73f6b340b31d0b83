// Adding documents: by button or by dropping files anywhere. The tray follows each one until it can be asked about.
import { api, upload } from './api.js';
import { announce } from './announce.js';
import { isWorking, statusName, steps } from './document-row.js';
import { byId, debounce, h } from './dom.js';

const atOnce = 3;

export class Uploads {
  #queue = [];
  #sending = 0;
  /** Rows by document id: events may come before the upload's own answer. */
  #rows = new Map();
  #recent = new Map();
  #mayWrite;
  #onChange;

  /** @param mayWrite says whether documents may be added; @param onChange is called when one was */
  constructor(mayWrite, onChange) {
    this.#mayWrite = mayWrite;
    this.#onChange = onChange;
    const picker = byId('file-picker');
    for (const id of ['upload', 'welcome-upload']) byId(id).addEventListener('click', () => picker.click());
    picker.addEventListener('change', () => {
      this.add([...picker.files]);
      picker.value = '';
    });
    byId('tray-close').addEventListener('click', () => this.#close());
    this.#startDropping();
  }

  add(files) {
    if (!files.length) return;
    byId('tray').hidden = false;
    const readers = byId('upload-readers').value;
    for (const file of files) {
      const row = this.#row(file.name);
      this.#queue.push({ file, row, readers: readers ? [readers] : [] });
    }
    announce(`Adding ${files.length === 1 ? files[0].name : `${files.length} files`}.`);
    this.#pump();
  }

  /** A document has changed at the node. */
  update(document) {
    this.#recent.set(document.id, document);
    if (this.#recent.size > 200) this.#recent.delete(this.#recent.keys().next().value);
    this.#rows.get(document.id)?.show(document);
  }

  #pump() {
    while (this.#sending < atOnce && this.#queue.length) this.#send(this.#queue.shift());
  }

  async #send({ file, row, readers }) {
    this.#sending++;
    try {
      const accepted = await upload(file, readers, (part) => row.uploading(part));
      this.#rows.set(accepted.id, row);
      const seen = this.#recent.get(accepted.id);
      if (seen?.version >= accepted.version) row.show(seen);
      else row.show(accepted.changed ? accepted : await api.document(accepted.id));
      this.#onChange();
    } catch (error) {
      row.fail(error.detail ?? error.message);
    } finally {
      this.#sending--;
      this.#pump();
    }
  }

  #row(name) {
    const now = h('span', { class: 'now' }, 'Waiting');
    const bar = h('progress', { max: 1, value: 0, aria: { label: `Progress of ${name}` } });
    const why = h('span', { class: 'why', hidden: true });
    const item = h('li', {}, h('div', { class: 'line' }, h('span', { title: name }, name), now), bar, why);
    byId('tray-list').prepend(item);
    const fail = (reason) => {
      item.className = 'failed';
      now.textContent = 'Failed';
      bar.hidden = true;
      why.hidden = false;
      why.textContent = reason;
      announce(`${name} failed. ${reason}`);
    };
    return {
      // The way to the node is the first fifth of the bar, the five steps there the rest.
      uploading: (part) => {
        bar.value = part / 5;
        now.textContent = part < 1 ? `Sending ${Math.round(part * 100)} %` : 'Sent';
      },
      show: ({ status, failureDetail, failureCode }) => {
        if (status === 'failed') return fail(failureDetail || failureCode || 'No reason was given.');
        item.className = '';
        why.hidden = true;
        now.textContent = statusName(status);
        bar.hidden = !isWorking(status);
        bar.value = (steps.indexOf(status) + 1) / (steps.length + 1);
        if (status === 'indexed') {
          item.className = 'done';
          this.#leave();
          announce(`${name} is ready.`);
        }
      },
      fail,
    };
  }

  /** The tray goes by itself some time after all went well; a failure stays until it is closed. */
  #leave = debounce(8000, () => {
    if ([...byId('tray-list').children].every((item) => item.className === 'done')) this.#close();
  });

  #close() {
    byId('tray').hidden = true;
    for (const item of [...byId('tray-list').children]) if (item.className) item.remove();
  }

  #startDropping() {
    const drop = byId('drop');
    let depth = 0;
    const hasFiles = (event) => this.#mayWrite() && event.dataTransfer?.types.includes('Files');
    const show = (by) => {
      depth = Math.max(0, depth + by);
      drop.hidden = depth === 0;
    };
    addEventListener('dragenter', (event) => hasFiles(event) && (event.preventDefault(), show(1)));
    addEventListener('dragleave', (event) => hasFiles(event) && show(-1));
    addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
    addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      drop.hidden = true;
      this.add([...event.dataTransfer.files]);
    });
  }
}
