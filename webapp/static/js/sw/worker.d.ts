/** What the server writes in front of sw.js, and the parts of Background Sync that TypeScript does not know. */
interface WorkerGlobalScope {
  BATON_PRECACHE: { version: string; files: { url: string; sha256: string }[] };
}
interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
  readonly lastChance: boolean;
}
