// The node's HTTP interface. Who asks: a bearer token if the node wants one, and the roles narrowed to, if any.
import { recall, remember, tab } from './memory.js';

const root = 'api/v1';

export const identity = {
  get token() { return recall('token', tab); },
  set token(value) { remember('token', value, tab); },
  /** One role to act with instead of all; null for all. */
  get role() { return recall('role', tab); },
  set role(value) { remember('role', value, tab); },
};

/** What went wrong, in the node's own words (application/problem+json) where it has some. */
export class ApiError extends Error {
  constructor(status, code, title, detail) {
    super(detail || title);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.detail = detail || title;
  }

  static async from(response) {
    const problem = await response.json().catch(() => ({}));
    return new ApiError(response.status, problem.code ?? `http-${response.status}`, problem.title ?? `The node answered ${response.status}.`, problem.detail);
  }

  static unreachable() {
    return new ApiError(0, 'unreachable', 'The node cannot be reached.', 'The node cannot be reached. The page keeps trying; see whether the node runs.');
  }
}

/** Tells whoever listens that the node wants a (better) token. */
export const signInNeeded = new EventTarget();

export function headers() {
  const all = {};
  if (identity.token) all.Authorization = `Bearer ${identity.token}`;
  if (identity.role) all['X-RagCluster-Roles'] = identity.role;
  return all;
}

/** fetch with identity; throws ApiError for anything but success. */
export async function open(path, { method = 'GET', json, accept = 'application/json', signal, more } = {}) {
  let response;
  try {
    response = await fetch(`${root}/${path}`, {
      method,
      signal,
      cache: 'no-store',
      headers: { Accept: accept, ...headers(), ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...more },
      body: json === undefined ? undefined : JSON.stringify(json),
    });
  } catch (error) {
    throw error.name === 'AbortError' ? error : ApiError.unreachable();
  }
  if (response.status === 401) signInNeeded.dispatchEvent(new Event('needed'));
  if (!response.ok) throw await ApiError.from(response);
  return response;
}

async function call(path, options) {
  const response = await open(path, options);
  const body = await response.text();
  return body ? JSON.parse(body) : null;
}

const segment = encodeURIComponent;

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

export const api = {
  me: (options) => call('me', options),

  documents: (filter, options) => call(`documents${query(filter)}`, options),
  document: (id) => call(`documents/${segment(id)}`),
  deleteDocument: (id) => call(`documents/${segment(id)}`, { method: 'DELETE' }),
  retryDocument: (id) => call(`documents/${segment(id)}/retry`, { method: 'POST' }),
  changeReaders: (id, readers) => call(`documents/${segment(id)}/access`, { method: 'PUT', json: { readers } }),
  text: (id, version, options) => call(`documents/${segment(id)}/versions/${version}/text`, options),

  search: (filter, options) => call(`search${query(filter)}`, options),

  conversations: () => call('conversations'),
  conversation: (id, options) => call(`conversations/${segment(id)}`, options),
  rename: (id, title) => call(`conversations/${segment(id)}`, { method: 'PATCH', json: { title } }),
  feedback: (id, feedback) => call(`conversations/${segment(id)}/feedback`, { method: 'POST', json: feedback }),
};

/**
 * Uploads one file, telling how far it is (0 to 1); fetch cannot tell that, hence the older interface.
 * Resolves to {id, version, status, changed}; unchanged means that the node had this very content before.
 */
export function upload(file, readers, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    // The node reads the form as it comes: what is said about a file goes before it.
    if (readers.length) form.append('readers', readers.join(','));
    form.append('file', file, file.name);
    const request = new XMLHttpRequest();
    request.open('POST', `${root}/documents`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader('Accept', 'application/json');
    request.responseType = 'json';
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(ApiError.unreachable());
    request.onload = () => {
      const body = request.response ?? {};
      if (request.status >= 200 && request.status < 300) resolve(body.documents[0]);
      else reject(new ApiError(request.status, body.code ?? `http-${request.status}`, body.title ?? `The node answered ${request.status}.`, body.detail));
    };
    request.send(form);
  });
}
