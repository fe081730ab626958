/**
 * The line to the real server: asked and answered over two pipes, and waited for, so that what happens first in the
 * simulation happens first there.
 */
import { readSync, writeSync } from "node:fs";

const [ASK, ANSWER] = process.argv.slice(3).map(Number);

function readAll(bytes) {
  for (let at = 0; at < bytes.length;) {
    const got = readSync(ANSWER, bytes, at, bytes.length - at, null);
    if (got === 0) process.exit(1); // the server's process has gone
    at += got;
  }
  return bytes;
}

function writeAll(bytes) {
  for (let at = 0; at < bytes.length;) at += writeSync(ASK, bytes, at);
}

/** @returns {{head: any, body: Buffer}} */
function call(head, body = Buffer.alloc(0)) {
  const text = Buffer.from(JSON.stringify(head));
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(text.length, 0);
  sizes.writeUInt32BE(body.length, 4);
  writeAll(Buffer.concat([sizes, text, body]));
  const lengths = readAll(Buffer.alloc(8));
  const answered = JSON.parse(readAll(Buffer.alloc(lengths.readUInt32BE(0))).toString());
  return { head: answered, body: readAll(Buffer.alloc(lengths.readUInt32BE(4))) };
}

export const server = {
  reset: () => call({ do: "reset" }).head,
  /** @returns {{status:number, headers:Record<string,string>, hurt:boolean, body:Buffer}} status 0: killed */
  answer: (head, body) => {
    const { head: told, body: bytes } = call({ do: "answer", ...head }, body);
    return { ...told, body: bytes };
  },
  snapshot: () => call({ do: "snapshot" }).head,
  restore: (number) => call({ do: "restore", number }).head,
  revoke: (device) => call({ do: "revoke", device }).head,
  audit: () => call({ do: "audit" }).head,
  compare: () => call({ do: "compare" }).head,
  /** What a schedule came to. */
  report: (result) => call({ do: "report", result }).head,
};
