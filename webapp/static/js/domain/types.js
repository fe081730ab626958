/**
 * The words the phone's modules share: shapes only, nothing runs here.
 *
 * Times ending in `At`/`at` inside stored rows are milliseconds since 1970 of the phone's clock;
 * times on the wire (`at`, `received_at`, `as_of`) are RFC 3339 text, as PROTOCOL says.
 * @module
 */

/** @typedef {'pack'|'drop_off'|'collect'|'deliver'|'attempt'|'report'|'return'|'void'|'blob_lost'} Kind */
/** @typedef {'known'|'again'|'not_on_list'|'other_carrier'|'cancelled'|'dangerous'|'unknown'|'invalid'} VerdictCode */
/** @typedef {'go'|'warn'|'stop'} Tone */
/** @typedef {'photo'|'signature'|'tag'} BlobRole */
/** @typedef {'seller'|'courier'|'clerk'|'recipient'|'neighbour'|'guard'|'other'} CounterpartRole */

/**
 * One code read by the camera or typed, as kept in a draft.
 * @typedef {object} Scan
 * @property {string} code       parcel code, or the raw text where the phone knows no code for it
 * @property {string} raw        what was read or typed
 * @property {VerdictCode} verdict
 * @property {string} at         RFC 3339
 * @property {boolean} typed
 * @property {string|null} override  the person's reason for taking it in spite of a stop
 */

/**
 * @typedef {object} Photo
 * @property {string} sha256
 * @property {string} type
 * @property {number} size       bytes
 * @property {'photo'|'tag'} role
 * @property {string|null} parcel
 */

/**
 * @typedef {object} Signature
 * @property {string} sha256
 * @property {string} type
 * @property {number} size
 * @property {unknown} strokes   signature_pad `toData()`, so that the pad can be redrawn
 */

/** @typedef {{name:string, role:CounterpartRole}} Counterpart */
/** @typedef {{id:string|null, lat:number|null, lon:number|null, accuracy_m:number|null}} Place */

/**
 * A handover being made; survives a crash, becomes an event by `seal`.
 * @typedef {object} Draft
 * @property {string} id
 * @property {Kind} kind
 * @property {'scan'|'check'|'photo'|'sign'} step
 * @property {string|null} run
 * @property {string|null} carrier
 * @property {number|null} expected
 * @property {Scan[]} scans
 * @property {Photo[]} photos
 * @property {Signature|null} signature
 * @property {Counterpart|null} counterpart
 * @property {boolean|null} intact
 * @property {Place|null} place
 * @property {string|null} reason
 * @property {string|null} note
 * @property {string|null} ref
 * @property {Record<string, unknown>} data
 * @property {string} startedAt  RFC 3339
 * @property {string} [owner]    device of whoever began it: nobody else may seal it
 * @property {number} [rev]      as it was read from the store: a tab that read an older one must not overwrite
 */

/** @typedef {{sha256:string, type:string, size:number, role:BlobRole, parcel:string|null}} BlobRef */

/**
 * The event's payload, exactly PROTOCOL §2.
 * @typedef {object} Payload
 * @property {1} v
 * @property {string} id
 * @property {string} device
 * @property {string} actor
 * @property {number} seq
 * @property {string|null} prev
 * @property {Kind} kind
 * @property {string} at
 * @property {number|null} offset_ms
 * @property {string[]} parcels
 * @property {string|null} run
 * @property {string|null} carrier
 * @property {number|null} expected
 * @property {Place|null} place
 * @property {Counterpart|null} counterpart
 * @property {string|null} reason
 * @property {string|null} note
 * @property {boolean|null} intact
 * @property {string|null} ref
 * @property {BlobRef[]} blobs
 * @property {Record<string, unknown>} data
 */

/**
 * @typedef {object} Parcel
 * @property {string} code
 * @property {string|null} tracking_number
 * @property {string|null} carrier
 * @property {string} status
 * @property {Record<string, unknown>} flags
 * @property {boolean} fragile
 * @property {number} count
 * @property {string|null} place
 * @property {null|'requested'|'cancelled'} cancel
 * @property {null|{name:string, address:string}} recipient
 * @property {'stop'|'cleared'} [dangerous]  holds dangerous goods: not to be packed or handed over, or let go by the office
 * @property {Line[]} [lines]                what was ordered, while it is still to be packed
 */

/** @typedef {{product:string, variation:string|null, sku:string|null, quantity:number}} Line */
/** A point of the packing checklist. @typedef {{code:string, label:string, when:'always'|'delicate'}} Point */

/**
 * @typedef {object} Run
 * @property {string} id
 * @property {'collect'|'drop_off'|'deliver'} kind
 * @property {string} title
 * @property {string} day        2026-11-22
 * @property {string|null} carrier
 * @property {null|{id:string, name:string, lat:number|null, lon:number|null}} place
 * @property {string[]} parcels  codes
 * @property {'open'|'closed'} state
 */

/**
 * @typedef {object} Task
 * @property {string} id
 * @property {'retake'} kind
 * @property {string} event      id of the event whose proof was turned down
 * @property {string[]} parcels
 * @property {string} reason
 * @property {string} created_at
 * @property {string|null} picture
 */

/** @typedef {{id:string, text:string, severity:string, at:string}} Notice */

/**
 * @typedef {object} Rules
 * @property {string} version
 * @property {Record<string, Record<string, {to:string|null, anomalies:string[]}>>} table  kind → status → outcome
 * @property {Record<string, string>} [conditions]  anomaly → what only the server can know
 * @property {string[]} statuses
 * @property {Record<string, {code:string, label:string}[]>} reasons
 * @property {{undo_within_s?:number, attempt_limit?:number, photo?:Record<string,'each'|'batch'>, [name:string]:unknown}} policies
 * @property {OwnCarrier[]} carriers
 * @property {KnownCarrier[]} [known_carriers]  an older server sends none
 * @property {Point[]} [checklist]
 */

/**
 * A carrier of the shop; `built_in` is its code in the public table, where it is one of that.
 * @typedef {object} OwnCarrier
 * @property {string} code
 * @property {string} name
 * @property {string|null} tracking_pattern
 * @property {string|null} [check]
 * @property {string|null} [built_in]
 */

/**
 * A carrier of the public table.
 * @typedef {object} KnownCarrier
 * @property {string} code
 * @property {string} name
 * @property {{pattern:string, check:string|null, confidence:string}[]} patterns
 */

/**
 * The phone's own copy of its worklist, held in memory for synchronous verdicts.
 * @typedef {object} Worklist
 * @property {Map<string, Parcel>} parcels
 * @property {Map<string, string>} byTracking  `trackingKey` of the number → code
 * @property {Map<string, Run>} runs
 * @property {Map<string, Task>} tasks
 * @property {Map<string, Notice>} notices
 * @property {string|null} asOf                RFC 3339
 */

/** @template T @typedef {{upserts:T[], removes:string[]}} Changes */

/**
 * @typedef {object} WorklistPage
 * @property {string} epoch
 * @property {string} cursor
 * @property {boolean} more
 * @property {boolean} reset
 * @property {string} as_of
 * @property {Changes<Parcel>} parcels
 * @property {Changes<Run>} runs
 * @property {Changes<Task>} tasks
 * @property {Changes<Notice>} notices
 * @property {{version:string, etag:string}} rules
 */

/**
 * @typedef {object} Verdict
 * @property {VerdictCode} verdict
 * @property {string|null} code   what to keep in the scan: the parcel's code, or the tracking number as read; null when invalid
 * @property {Parcel|null} parcel
 * @property {string} word        one short phrase for the person
 * @property {Tone} tone
 * @property {string|null} looksLike  the name of the carrier that a number no list knows looks like
 */

/** @typedef {{code:string, title:string, detail:string|null}} Problem */
/** @typedef {{parcel:string, status:string|null, anomalies:string[], predicted?:boolean}} Effect */

/**
 * One result of the server for one event (PROTOCOL §3).
 * @typedef {object} EventResult
 * @property {string|null} id
 * @property {string} sha256
 * @property {'applied'|'recorded'|'duplicate'|'quarantined'|'retry'} status
 * @property {Effect[]} effects
 * @property {Problem|null} problem
 */

/**
 * @typedef {object} EventsAnswer
 * @property {string} epoch
 * @property {string} received_at
 * @property {EventResult[]} results
 * @property {number} high_seq
 * @property {[number, number][]} missing_seqs
 * @property {string[]} want
 * @property {string} receipt
 */

/** @typedef {{max_events:number, max_batch_bytes:number, max_event_bytes:number, max_blob_bytes:number}} Limits */

/**
 * The public members of an EC key, as JSON (RFC 7517).
 * @typedef {{kty:'EC', crv:'P-256', x:string, y:string, [name:string]:unknown}} PublicJwk
 */

/**
 * Who this phone is, for the pages.
 * @typedef {object} Identity
 * @property {string} device
 * @property {{id:string, name:string, role:string}} actor
 * @property {{id:string, name:string}} org
 * @property {boolean} signed    false: the key could not be kept, events go unsigned and flagged
 * @property {boolean} keyLost   it was signed once, and the key is gone: only enrolling again makes a new one
 * @property {string} label
 */

/**
 * `sealed`: only on this phone. `sent`: the server has the event, photos still to go. `safe`: the server holds
 * everything. `parked`: the server could not take it alone; kept, exportable. `attention`: the server keeps it in quarantine,
 * or a photo of it is lost or refused.
 * @typedef {'sealed'|'sent'|'safe'|'parked'|'attention'} ItemState
 */

/**
 * One line of the outbox page.
 * @typedef {object} OutboxItem
 * @property {string} id
 * @property {number} seq
 * @property {Kind} kind
 * @property {string} at          RFC 3339, the phone's clock at sealing
 * @property {string[]} parcels
 * @property {ItemState} state
 * @property {number} photosHeld  blobs the server holds (signature included)
 * @property {number} photosTotal
 * @property {Problem|null} problem
 * @property {Effect[]} effects   the server's once it answered, else predicted from the rules table
 * @property {string|null} receiptAt RFC 3339, the server's clock on a verified receipt
 * @property {string} sha256
 * @property {boolean} voided     a later event of this phone voids it
 * @property {string|null} ref    the event this one is about (withdrawn, answered)
 * @property {string|null} task   the office's task it answers
 * @property {boolean} voidAsked  a later event of this phone asks to void it, which only the office may grant
 * @property {boolean} canRetry   it, or a picture of it, was refused: offering it again may help
 * @property {boolean} signed     with this phone's key
 */

/**
 * @typedef {object} Counts
 * @property {number} unsent       events the server has not answered for, parked ones included
 * @property {number} unsentBlobs
 * @property {string|null} oldestAt  RFC 3339, of the oldest event that is unsent itself or lacks a picture with the office
 * @property {number} headSeq
 * @property {number} othersUnsent  unsent events of earlier identities on this phone
 * @property {number} othersUnsentBlobs  their pictures that the server has not got
 */

/**
 * @typedef {object} SyncState
 * @property {'idle'|'sending'|'offline'|'paused'} state
 * @property {Problem|null} problem
 * @property {string|null} nextAt  RFC 3339, when it tries again by itself
 */

/**
 * A sealed event as listed: what is in it, and what has become of it.
 * `unsent`: to be offered. `parked`: the server could not take it even alone; kept until somebody retries or takes
 * it out. `settled`: a final result named it.
 * @typedef {object} EventRow
 * @property {string} device
 * @property {number} seq
 * @property {string} id
 * @property {string} draft        id of the draft it was made from: sealing twice finds it
 * @property {string} sha256       of the JWS
 * @property {number} size         bytes of the JWS, which lies in a store of its own and is never written again
 * @property {Kind} kind
 * @property {string} row          of the transition table: the kind, or `return.start`
 * @property {string} at           RFC 3339
 * @property {string[]} parcels
 * @property {string|null} run
 * @property {string|null} ref
 * @property {string|null} [task]  the office's task it answers
 * @property {boolean} [signed]    absent in rows of an earlier version: as the identity says
 * @property {BlobRef[]} blobs
 * @property {'unsent'|'parked'|'settled'} state
 * @property {Problem|null} problem   why it is parked
 * @property {EventResult|null} result
 * @property {string|null} epoch      of the server that gave the result
 * @property {number|null} settledAt  ms
 * @property {number|null} offeredAt  ms, when it was last offered again after having been settled
 * @property {string|null} receiptAt  RFC 3339
 */

/**
 * What is waiting in the outbox; the bytes are in the event row.
 * @typedef {object} OutboxRow
 * @property {string} device
 * @property {number} seq
 * @property {string} id
 * @property {string} sha256
 * @property {number} size       bytes of the JWS
 * @property {number} tries      `retry` results and lone server faults so far
 * @property {number} notBefore  ms; this row alone waits, others pass it
 * @property {boolean} parked    not offered until somebody asks, or the server's epoch changes
 */

/**
 * `local`: in a draft only. `wanted`: sealed, the server lacks it. `held`: the server has it, fsync'd.
 * `lost`: this phone can no longer read it. `refused`: the server will not take it as it is.
 * @typedef {'local'|'wanted'|'held'|'lost'|'refused'} BlobState
 */

/**
 * What is known of a picture; its bytes lie in a store of their own, so that a change of state never rewrites them.
 * @typedef {object} BlobRow
 * @property {string} device
 * @property {string} sha256
 * @property {string} type
 * @property {number} size
 * @property {BlobRole|null} role
 * @property {BlobState} state
 * @property {string[]} events     ids of the events that refer to it
 * @property {number} storedAt     ms
 * @property {string|null} upload  path of the unfinished upload on the server
 * @property {number} tries
 * @property {number} notBefore    ms
 * @property {Problem|null} problem
 */

/** What came back from the second copy, when the browser had lost the first. @typedef {{at:string, events:number, pictures:number}} BroughtBack */
/** @typedef {{usage:number|null, quota:number|null, persisted:boolean, photosLeft:number|null, broughtBack:BroughtBack|null}} StorageReport */
/** @typedef {{id:string, seq:number, sha256:string}} Sealed */

export {};
