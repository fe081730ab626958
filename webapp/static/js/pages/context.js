/**
 * What every screen is given: the phone, the shell around it, and the handover being made; some the tools of capture.
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
 * @property {Feedback} feedback
 * @property {Flow} flow
 * @property {Shell} shell
 */

/** With what the screens share that look through the camera. @typedef {App & {camera:Camera, decoder:Decoder}} CaptureApp */

/** @typedef {(app: App, root: HTMLElement, params: string[], query: URLSearchParams) => Mounted|void} Screen */
/** @typedef {(app: CaptureApp, root: HTMLElement, params: string[], query: URLSearchParams) => Mounted|void} CaptureScreen */

export {};
