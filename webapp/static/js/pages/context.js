/**
 * What every screen is given: the phone, the tools of capture, and the handover being made.
 * @module
 */

/** @import {Phone} from '../outbox/phone.js' */
/** @import {Camera} from '../capture/camera.js' */
/** @import {Decoder} from '../capture/decoder.js' */
/** @import {Feedback} from '../capture/feedback.js' */
/** @import {Flow} from './flow.js' */
/** @import {Shell} from './shell.js' */
/** @import {Mounted} from '../ui/router.js' */

/**
 * @typedef {object} App
 * @property {Phone} phone
 * @property {Camera} camera
 * @property {Decoder} decoder
 * @property {Feedback} feedback
 * @property {Flow} flow
 * @property {Shell} shell
 */

/** @typedef {(app: App, root: HTMLElement, params: string[], query: URLSearchParams) => Mounted|void} Screen */

export {};
