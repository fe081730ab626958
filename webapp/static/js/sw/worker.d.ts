/** What the server writes in front of sw.js, and the parts of Background Sync that TypeScript does not know. */
interface WorkerGlobalScope {
  BATON_PRECACHE: { version: string; files: { url: string; sha256: string }[]; outbox: string };
  BATON_OUTBOX?: { digest: string; load(): { flushInBackground(): Promise<void> } };
}
interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
  readonly lastChance: boolean;
}
