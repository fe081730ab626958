/**
 * The way between phones and server, in virtual time, with everything that proxies, portals and masts do to a request.
 */
import { Answer } from "./browser.mjs";
import { server } from "./server.mjs";

const PROXY_LIMIT = 65_536;
const MOST_REQUESTS = 20_000; // in one schedule
const PORTAL = "<!doctype html><title>Free Wi-Fi</title><p>Please accept our terms.</p>";
const failed = () => new TypeError("fetch failed");

/** Every fault: what becomes of this request. `way` carries it. */
export const FAULTS = {
  "never sent": (way) => way.soon(() => way.fail()),
  "request cut": (way) => way.arrive({ cut: way.draw.next() }, () => way.fail()),
  "answer lost": (way) => way.arrive({}, () => way.fail()),
  "answer cut": (way) => way.arrive({}, (answer) => way.give(answer && cutShort(answer, way.draw))),
  "stalled before": () => undefined,
  "stalled after": (way) => way.arrive({}, () => undefined),
  "portal redirects": (way) => way.soon(() => way.fail()),
  "portal answers": (way) => way.soon(() => way.give(foreign(200, PORTAL))),
  "proxy 413": (way) => way.proxy(413),
  "proxy 429": (way) => way.proxy(429),
  "proxy 502": (way) => way.proxy(502),
  "proxy 503": (way) => way.proxy(503),
  "proxy 507": (way) => way.proxy(507),
  twice: (way) => {
    way.arrive({}, (answer) => way.give(answer));
    way.clock.after(way.draw.whole(100, way.draw.pick([2_000, 600_000])), () => way.deliver({}));
  },
  late: (way) => way.arrive({ after: way.draw.pick([5_000, 60_000, 600_000]) }, (answer) => way.give(answer)),
  "encoding stripped": (way) => {
    delete way.request.headers["content-encoding"];
    way.arrive({}, (answer) => way.give(answer));
  },
  "server killed": (way) => way.mishap("killed"),
  "server mistaken": (way) => way.mishap("mistake"),
  "database locked": (way) => way.mishap("locked"),
  "database full": (way) => way.mishap("full"),
  "photo store full": (way) => way.mishap("blobs-full"),
  "photo store away": (way) => way.mishap("blobs-away"),
};

function foreign(status, body, headers = {}) {
  return new Answer(body, { status, headers: { "Content-Type": "text/html", ...headers } });
}

/** Without what is another id in every run. */
function plain(path) {
  return path.split("?")[0].replace(/[0-9a-f-]{36}$/, "…");
}

/** Half of those who cut an answer say so (the length was told), half just end. */
function cutShort(answer, draw) {
  const length = Math.floor(draw.next() * answer.body.length);
  const error = draw.chance(0.5) ? new TypeError("terminated") : null;
  return new Answer(answer.body.subarray(0, length), {
    status: answer.status,
    headers: answer.headers,
    error,
  });
}

/** One request under way. */
class Way {
  constructor(network, request, resolve, reject) {
    Object.assign(this, { network, request, resolve, reject });
    this.draw = network.draw;
    this.clock = network.world.clock;
    this.body = request.body ?? Buffer.alloc(0);
  }

  /** ms for so many bytes; in steps, because random ids make them differ by one or two from run to run */
  delay(bytes = 0) {
    const { latency, rate } = this.network;
    return Math.round(latency * (0.5 + this.draw.next()) + (Math.ceil(bytes / 512) * 512) / rate);
  }

  soon(work) {
    this.clock.after(this.delay(), work);
  }

  fail() {
    this.reject(failed());
  }

  give(answer) {
    if (answer) this.resolve(answer);
    else this.fail();
  }

  proxy(status) {
    const waits = this.draw.pick([null, String(this.draw.whole(1, 300)), "soon"]);
    const headers = waits === null ? {} : { "Retry-After": waits };
    this.soon(() => this.give(foreign(status, `<h1>${status}</h1>`, headers)));
  }

  mishap(kind) {
    this.arrive({ mishap: { kind, at: this.draw.whole(1, kind.startsWith("blobs") ? 2 : 16) } }, (answer) =>
      this.give(answer),
    );
  }

  /** Brings it to the server after its time, and the answer back after its own. */
  arrive({ after = 0, ...how }, back) {
    this.clock.after(after + this.delay(this.body.length), () => {
      const answer = this.deliver(how);
      this.clock.after(this.delay(answer?.body.length), () => back(answer));
    });
  }

  /** @returns {Answer|null} null: nobody is there */
  deliver({ mishap = null, cut = null }) {
    const { network, request, body } = this;
    const { world } = network;
    if (world.clock.now < network.downUntil) return null;
    const sent = cut === null ? body : body.subarray(0, Math.floor(cut * body.length));
    const missing = body.length - sent.length;
    if (missing > 0 && this.draw.chance(0.5)) return null; // most servers wait for the whole
    const { method, path, headers } = request;
    const told = server.answer(
      { method, path, headers, mishap, missing, ms: Math.round(world.clock.now) },
      sent,
    );
    world.note(`  ${method} ${plain(path)} ${told.status}`);
    if (told.hurt) world.count("server mishaps");
    if (told.status === 0) {
      network.downUntil = world.clock.now + this.draw.whole(0, 120_000);
      return null;
    }
    return new Answer(told.body, told);
  }
}

export class Network {
  kinds = []; // of faults that this day knows
  share = 0; // of requests that one of them befalls
  isOut = false; // no network at all
  limitsBodies = false; // a proxy that lets no more than 64 KiB through
  stripsEncoding = false;
  downUntil = 0;
  requests = 0;
  bytes = 0;

  constructor(world) {
    this.world = world;
    this.draw = world.draw.stream("network");
    this.latency = this.draw.pick([20, 60, 600]);
    this.rate = this.draw.pick([8, 100, 1_250]); // bytes a ms: 64 kbit/s, 0.8 and 10 Mbit/s
  }

  fetch(handset, url, { method, headers, body, signal }) {
    const { pathname, search } = new URL(url);
    this.requests += 1;
    if (this.requests > MOST_REQUESTS) return this.world.spin("the phones ask without end");
    const bytes = typeof body === "string" ? Buffer.from(body) : body && Buffer.from(body);
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const request = { method, path: pathname + search, headers: Object.fromEntries(lower), body: bytes };
    this.bytes += bytes?.length ?? 0;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      this.#carry(new Way(this, request, resolve, reject), handset);
    });
  }

  #carry(way, handset) {
    const { request } = way;
    const name = this.isOut ? "never sent" : this.#befalls();
    this.world.note(`${handset.name} ${request.method} ${plain(request.path)} ${name ?? ""}`);
    if (this.stripsEncoding) delete request.headers["content-encoding"];
    if (this.limitsBodies && way.body.length > PROXY_LIMIT) {
      way.soon(() => way.give(foreign(413, "<h1>413</h1>")));
    } else if (name === null) {
      way.arrive({}, (answer) => way.give(answer));
    } else {
      this.world.count(name);
      FAULTS[name](way);
    }
  }

  #befalls() {
    return this.kinds.length > 0 && this.draw.chance(this.share) ? this.draw.pick(this.kinds) : null;
  }

  /** Another weather; now and then none at all. */
  turn() {
    this.share = this.draw.pick([0, 0.1, 0.3, 0.6, 0.9]);
    this.isOut = this.draw.chance(0.2);
  }

  heal() {
    this.share = 0;
    this.isOut = false;
    this.downUntil = 0;
    if (this.draw.chance(0.5)) this.limitsBodies = false; // some proxies stay as they are
    if (this.draw.chance(0.5)) this.stripsEncoding = false;
  }
}
