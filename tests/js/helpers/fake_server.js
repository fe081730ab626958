/**
 * A server that follows PROTOCOL §3, in the same process: `fetch` goes straight into it. What it keeps survives the
 * phone; faults are put between its answer and the phone.
 */
import { createHash, randomBytes, randomUUID, webcrypto } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { makeKey, readJws, isSignedBy } from "../../../webapp/static/js/outbox/keys.js";

const { subtle } = webcrypto;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const b64url = (value) => Buffer.from(value).toString("base64url");

/** A refusal as problem+json. */
export function problem(status, code, headers = {}) {
  const body = { type: `urn:baton:problem:${code}`, title: code, status, detail: null, code };
  return reply(status, body, { "Content-Type": "application/problem+json", ...headers });
}

/** An answer under the protocol's header. */
export function reply(status, body, headers = {}) {
  const isEmpty = status === 204 || status === 304 || body === null;
  return new Response(isEmpty ? null : JSON.stringify(body), {
    status,
    headers: { "Sync-Protocol": "1", "Content-Type": "application/json", ...headers },
  });
}

export class FakeServer {
  epoch = "epoch-1";
  devices = new Map(); // token → {device, actor, jwk}
  codes = new Set(["CODE1", "CODE2", "CODE3"]);
  actors = new Map(); // code → {id, name, role}; Ana's where none is set
  events = new Map(); // id → {sha256, jws, payload, result}
  effects = []; // ids, once for each time an event took effect
  blobs = new Map(); // sha256 → Buffer
  uploads = new Map(); // path → {sha256, length, bytes}
  pages = []; // worklist pages to serve, in order; the last again and again
  rules = { version: "r1", table: {}, statuses: [], reasons: {}, policies: {}, carriers: [] };
  requests = []; // "METHOD path"
  bodies = []; // parsed bodies of event batches
  skew = 0; // server clock minus phone clock
  now = () => Date.now();
  /** (request) => Response|undefined: answers in the server's place. @type {((r:any) => any)|null} */
  instead = null;
  /** (request, response) => Response: what the phone gets. Throw to lose the answer after the commit. */
  after = null;

  static async start() {
    const server = new FakeServer();
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    server.signingKey = pair.privateKey;
    const { kty, crv, x, y } = await subtle.exportKey("jwk", pair.publicKey);
    server.jwk = { kty, crv, x, y };
    return server;
  }

  fetch = async (url, init = {}) => {
    const { pathname, search } = new URL(url, "https://baton.test");
    const headers = new Headers(init.headers);
    let body = init.body ?? null;
    if (typeof body === "string") body = Buffer.from(body);
    else if (body !== null) body = Buffer.from(body);
    const request = {
      method: init.method ?? "GET",
      path: pathname,
      search,
      headers,
      body,
      signal: init.signal,
    };
    const isZipped = headers.get("Content-Encoding") === "gzip";
    if (pathname === "/sync/v1/events") {
      request.events = JSON.parse(isZipped ? gunzipSync(body) : body).events;
    }
    this.requests.push(`${request.method} ${pathname}`);
    const instead = await this.instead?.(request);
    if (instead) return instead;
    const response = await this.answer(request);
    return this.after ? this.after(request, response) : response;
  };

  async answer(request) {
    const { method, path } = request;
    if (path === "/sync/v1/hello") return this.hello();
    if (path === "/sync/v1/devices") return this.enrol(JSON.parse(request.body));
    const caller = this.devices.get((request.headers.get("Authorization") ?? "").replace("Bearer ", ""));
    if (!caller) return problem(401, "token-unknown");
    if (path === "/sync/v1/events") return this.takeBatch(caller, request);
    if (path === "/sync/v1/blobs/want") {
      const { sha256: asked } = JSON.parse(request.body);
      return reply(200, { missing: asked.filter((digest) => !this.blobs.has(digest)) });
    }
    if (path === "/sync/v1/blobs" && method === "POST") return this.create(request);
    if (path.startsWith("/sync/v1/blobs/")) return this.upload(request);
    if (path === "/sync/v1/worklist") return this.worklist(request);
    if (path === "/sync/v1/rules") return reply(200, this.rules, { ETag: `"${this.rules.version}"` });
    return problem(404, "not-found");
  }

  hello() {
    const limits = {
      max_events: 200,
      max_batch_bytes: 1048576,
      max_event_bytes: 65536,
      max_blob_bytes: 10485760,
    };
    const server_time = new Date(this.now() + this.skew).toISOString();
    return reply(200, {
      protocol: 1,
      epoch: this.epoch,
      server_time,
      min_client: "1",
      jwk: this.jwk,
      limits,
      retain_acked_days: 14,
    });
  }

  enrol({ code, jwk }) {
    if (!this.codes.delete(code)) return problem(404, "enrolment-unknown");
    const token = randomBytes(32).toString("base64url");
    const device = randomUUID();
    const actor = this.actors.get(code) ?? { id: "user-1", name: "Ana", role: "courier" };
    this.devices.set(token, { device, actor: actor.id, jwk });
    return reply(201, {
      device,
      token,
      actor,
      org: { id: "org-1", name: "Shop" },
      epoch: this.epoch,
      jwk: this.jwk,
    });
  }

  async takeBatch(caller, { body, headers }) {
    const text = headers.get("Content-Encoding") === "gzip" ? gunzipSync(body) : body;
    const batch = JSON.parse(text);
    this.bodies.push(batch);
    const results = [];
    for (const jws of batch.events) results.push(await this.take(caller, jws));
    const mine = [...this.events.values()].filter(({ payload }) => payload.device === caller.device);
    const seqs = new Set(mine.map(({ payload }) => payload.seq));
    const high_seq = Math.max(0, ...seqs);
    const missing_seqs = [];
    for (let seq = 1; seq < high_seq; seq += 1) if (!seqs.has(seq)) missing_seqs.push([seq, seq]);
    const want = [
      ...new Set(
        mine.flatMap(({ payload }) =>
          payload.kind === "blob_lost" ? [] : payload.blobs.map((blob) => blob.sha256),
        ),
      ),
    ];
    return reply(200, {
      epoch: this.epoch,
      received_at: new Date(this.now() + this.skew).toISOString(),
      results,
      high_seq,
      missing_seqs,
      want: want.filter((digest) => !this.blobs.has(digest)),
      receipt: await this.receipt(caller.device, results),
    });
  }

  async take(caller, jws) {
    const digest = sha256(jws);
    const parts = readJws(jws);
    const refuse = (code) => ({
      id: parts?.payload.id ?? null,
      sha256: digest,
      status: "quarantined",
      effects: [],
      problem: { code, title: code, detail: null },
    });
    if (!parts) return refuse("event_malformed");
    const { payload } = parts;
    if (payload.device !== caller.device) return refuse("not_this_device");
    const isGood = caller.jwk ? await isSignedBy(subtle, caller.jwk, parts) : parts.header.alg === "none";
    if (!isGood) return refuse("bad_signature");
    const known = this.events.get(payload.id);
    if (known) {
      return known.sha256 === digest ? { ...known.result, status: "duplicate" } : refuse("id_reused");
    }
    const effects = payload.parcels.map((parcel) => ({ parcel, status: "handed_over", anomalies: [] }));
    const result = {
      id: payload.id,
      sha256: digest,
      status: effects.length ? "applied" : "recorded",
      effects,
      problem: null,
    };
    this.events.set(payload.id, { sha256: digest, jws, payload, result });
    this.effects.push(payload.id);
    return result;
  }

  async receipt(device, results) {
    const events = results.map(({ id, sha256: digest }) => ({ id, sha256: digest }));
    const said = {
      device,
      epoch: this.epoch,
      received_at: new Date(this.now() + this.skew).toISOString(),
      events,
    };
    const input = `${b64url(JSON.stringify({ alg: "ES256", typ: "baton-receipt+jws" }))}.${b64url(JSON.stringify(said))}`;
    const mark = await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, this.signingKey, Buffer.from(input));
    return `${input}.${b64url(Buffer.from(mark))}`;
  }

  create({ headers, body }) {
    const pairs = headers
      .get("Upload-Metadata")
      .split(",")
      .map((pair) => pair.trim().split(" "));
    const metadata = Object.fromEntries(
      pairs.map(([name, value]) => [name, Buffer.from(value, "base64").toString()]),
    );
    const length = Number(headers.get("Upload-Length"));
    const path = `/sync/v1/blobs/${randomUUID()}`;
    const tus = { "Tus-Resumable": "1.0.0", Location: path };
    if (this.blobs.has(metadata.sha256)) return reply(201, null, { ...tus, "Upload-Offset": String(length) });
    const upload = { sha256: metadata.sha256, length, bytes: Buffer.alloc(0) };
    this.uploads.set(path, upload);
    return this.append(path, upload, body ?? Buffer.alloc(0), headers, 201, tus);
  }

  upload({ method, path, headers, body }) {
    const upload = this.uploads.get(path);
    if (!upload) return problem(404, "upload-unknown");
    const tus = { "Tus-Resumable": "1.0.0", "Cache-Control": "no-store" };
    if (method === "HEAD") {
      return reply(200, null, {
        ...tus,
        "Upload-Offset": String(upload.bytes.length),
        "Upload-Length": String(upload.length),
      });
    }
    if (Number(headers.get("Upload-Offset")) !== upload.bytes.length) return problem(409, "offset-mismatch");
    return this.append(path, upload, body, headers, 204, tus);
  }

  append(path, upload, body, headers, status, tus) {
    const [, checksum] = (headers.get("Upload-Checksum") ?? "").split(" ");
    const isSound = !checksum || checksum === createHash("sha256").update(body).digest("base64");
    if (body.length > 0 && !isSound) return problem(460, "checksum-mismatch");
    upload.bytes = Buffer.concat([upload.bytes, body]);
    if (upload.bytes.length === upload.length) {
      if (sha256(upload.bytes) !== upload.sha256) {
        this.uploads.delete(path);
        return problem(460, "digest-mismatch");
      }
      this.blobs.set(upload.sha256, upload.bytes);
    }
    return reply(status, null, { ...tus, "Upload-Offset": String(upload.bytes.length) });
  }

  worklist({ search, headers }) {
    const cursor = new URLSearchParams(search).get("cursor");
    const at = cursor === null ? 0 : this.pages.findIndex((page) => page.cursor === cursor) + 1;
    const empty = { upserts: [], removes: [] };
    const page = this.pages[at] ?? {
      cursor: cursor ?? "c0",
      more: false,
      reset: false,
      as_of: new Date(this.now()).toISOString(),
      parcels: empty,
      runs: empty,
      tasks: empty,
      notices: empty,
    };
    const etag = `"${page.cursor}"`;
    if (headers.get("If-None-Match") === etag) return reply(304, null, { ETag: etag });
    return reply(
      200,
      { epoch: this.epoch, rules: { version: this.rules.version, etag: this.rules.version }, ...page },
      { ETag: etag },
    );
  }

  /** What must be true whatever happened on the way. Returns the payloads in order of seq. */
  audit(assert) {
    assert.equal(new Set(this.effects).size, this.effects.length, "an event took effect twice");
    const chains = Map.groupBy
      ? Map.groupBy(this.events.values(), (e) => e.payload.device)
      : groupBy(this.events.values());
    const all = [];
    for (const chain of chains.values()) {
      chain.sort((a, b) => a.payload.seq - b.payload.seq);
      let prev = null;
      chain.forEach((event, index) => {
        assert.equal(event.payload.seq, index + 1, "the chain has a gap or a fork");
        assert.equal(event.payload.prev, prev, "the chain is broken");
        prev = event.sha256;
      });
      all.push(...chain.map(({ payload }) => payload));
    }
    return all;
  }
}

function groupBy(events) {
  const groups = new Map();
  for (const event of events) {
    const { device } = event.payload;
    groups.set(device, [...(groups.get(device) ?? []), event]);
  }
  return groups;
}

export { makeKey };
