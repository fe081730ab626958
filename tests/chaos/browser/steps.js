/**
 * Put into a page before its own scripts: counts what the phone's modules await of the browser (storage, network,
 * cryptography, locks), and at a chosen one holds the page still and asks the trial to kill the browser. The page hears
 * nothing of what was done there: a step is counted when the browser's answer is in, before anybody is told.
 */
(() => {
  const READS = ["text", "json", "arrayBuffer"];
  const REQUESTS = {
    IDBFactory: ["open", "deleteDatabase"],
    IDBObjectStore: ["add", "put", "get", "getAll", "getAllKeys", "getKey", "count", "delete", "openCursor"],
    IDBIndex: ["get", "getAll", "getAllKeys", "getKey", "count", "openCursor"],
  };
  let steps = null; // null: nothing is counted
  let dieAt = 0;

  /** Nothing of the page runs until it is answered. */
  function tell(what, said = "") {
    const telling = new XMLHttpRequest();
    telling.open("POST", `/trial/${what}`, false);
    telling.send(said);
  }

  /** The rows of a list are put by the hundred in one transaction, and none is there before it is committed: one step. */
  function step(name) {
    if (!steps || (name.startsWith("put ") && steps.at(-1) === name)) return;
    steps.push(name);
    if (steps.length === dieAt) tell("die", name);
  }

  function after(object, name, told) {
    const original = object[name];
    object[name] = async function (...given) {
      const result = await original.apply(this, given);
      step(told(this, ...given));
      return result;
    };
  }

  for (const [type, names] of Object.entries(REQUESTS)) {
    const { prototype } = globalThis[type];
    for (const name of names) {
      const original = prototype[name];
      prototype[name] = function (...given) {
        const request = original.apply(this, given);
        const of = this.objectStore?.name ?? this.name ?? "";
        request.addEventListener("success", () => step(`${name} ${of}`)); // before the page's own listeners
        return request;
      };
    }
  }
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...given) {
    const begun = transaction.apply(this, given);
    begun.addEventListener("complete", () => step(`committed ${begun.mode} ${[...begun.objectStoreNames]}`));
    return begun;
  };
  for (const name of ["digest", "sign", "verify", "importKey"]) {
    after(SubtleCrypto.prototype, name, () => name);
  }
  for (const name of READS) after(Response.prototype, name, () => `body ${name}`);
  for (const name of ["estimate", "persisted"]) after(StorageManager.prototype, name, () => name);
  after(
    globalThis,
    "fetch",
    (_, url, init) => `answered ${init?.method ?? "GET"} ${new URL(url, location.href).pathname}`,
  );
  const { request } = LockManager.prototype;
  LockManager.prototype.request = function (name, options, work) {
    return request.call(this, name, options, (lock) => {
      step(lock ? "lock" : "no lock");
      return work(lock);
    });
  };

  globalThis.trial = {
    /** Runs `act` and is killed at its n-th step; 0: it is let live. @returns {Promise<string[]>} the steps */
    async live(n, act) {
      dieAt = n;
      steps = [];
      step("begun");
      await act();
      step("ended");
      const lived = steps;
      steps = null;
      return lived;
    },
    /** What the person was told; the trial has it before anything else happens. */
    said: (what) => tell("said", JSON.stringify(what)),
  };
})();
