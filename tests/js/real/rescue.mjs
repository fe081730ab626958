/**
 * The phone's own modules write rescue files into a folder. Argument: JSON of {folder, handovers, sizes}, the sizes of each
 * handover's photos in bytes. Prints {device, names, lines, pictures}: what was sealed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CODES, World, collection } from "../helpers/world.js";

const { folder, handovers, sizes } = JSON.parse(process.argv[2]);
const world = await World.make();
const phone = await world.enrolled();
const sealed = [];
for (let n = 0; n < handovers; n += 1) {
  const draft = await collection(phone, CODES.slice(0, 2), sizes);
  const { id } = await phone.seal(draft);
  sealed.push({ id, pictures: [...draft.photos, draft.signature].map(({ sha256 }) => sha256) });
}
const rescue = await phone.rescue();
const { files } = await rescue.make();
for (const { file } of files) writeFileSync(join(folder, file.name), Buffer.from(await file.arrayBuffer()));
const told = {
  device: phone.identity.device,
  names: files.map(({ file }) => file.name),
  lines: await Promise.all(sealed.map(({ id }) => phone.eventJws(id))),
  pictures: sealed.flatMap(({ pictures }) => pictures),
};
phone.close();
process.stdout.write(JSON.stringify(told));
