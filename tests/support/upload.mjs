// Uploads one file with the stock tus-js-client and prints what happened as JSON.
// node upload.mjs '{"endpoint","token","file","type","chunkSize","store","stopAfter","options","resume"}'
import { createReadStream, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import process from "node:process";
import * as tus from "tus-js-client";

const asked = JSON.parse(process.argv[2]);
const bytes = readFileSync(asked.file);
const told = { requests: [], url: null, sent: 0, previous: 0 };

function end(outcome, error) {
  process.stdout.write(JSON.stringify({ ...told, outcome, error }));
  process.exit(0);
}

const upload = new tus.Upload(asked.stream ? createReadStream(asked.file) : bytes, {
  endpoint: asked.endpoint,
  headers: { Authorization: `Bearer ${asked.token}` },
  metadata: {
    filename: "a parcel at the door.jpg",
    filetype: asked.type,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    ...asked.metadata,
  },
  chunkSize: asked.chunkSize ?? Infinity,
  uploadSize: bytes.length,
  retryDelays: asked.retryDelays ?? [],
  ...(asked.store ? { urlStorage: new tus.FileUrlStorage(asked.store) } : {}),
  fingerprint: () => Promise.resolve(asked.file),
  ...asked.options,
  onAfterResponse: (request, response) => {
    told.requests.push([request.getMethod(), response.getStatus()]);
  },
  onChunkComplete: (_size, sent) => {
    told.sent = sent;
    if (asked.stopAfter && sent >= asked.stopAfter) {
      told.url = upload.url;
      // As a closed tab would: no farewell.
      end("stopped");
    }
  },
  onError: (error) => end("failed", error.originalResponse?.getBody() || String(error)),
  onSuccess: () => {
    told.url = upload.url;
    end("done");
  },
});

if (asked.resume) {
  const previous = await upload.findPreviousUploads();
  told.previous = previous.length;
  if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
}
upload.start();
