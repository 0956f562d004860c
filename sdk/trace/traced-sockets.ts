/** Sockets of the platform with an observer of their MSRP frames. */

import { platform } from '#platform';
import type { Channel, Sockets } from '../../core/platform/sockets.js';
import { MsrpFrames } from './msrp-frames.js';

/** `omitted`: number of bytes of the body that are not in `bytes`. */
export type MsrpObserver = (
  direction: 'in' | 'out',
  bytes: Uint8Array,
  channel: Channel,
  omitted: number,
) => void;

/** @param bodyLimit bytes of each body that `observe` receives. */
export function tracedSockets(bodyLimit: number, observe: MsrpObserver): Sockets {
  const traced = (channel: Channel) => new TracedChannel(channel, bodyLimit, observe);
  return {
    connect: async (...to) => traced(await platform.connect(...to)),
    listen: (protocol, at, options, onChannel) =>
      platform.listen(protocol, at, options, (channel) => onChannel(traced(channel))),
    openDatagram: (options) => platform.openDatagram(options),
  };
}

/** Forwards to a channel, and reports the frames that it carries. */
class TracedChannel implements Channel {
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  readonly #channel: Channel;
  readonly #sent: MsrpFrames;

  constructor(channel: Channel, bodyLimit: number, observe: MsrpObserver) {
    const frames = (direction: 'in' | 'out') =>
      new MsrpFrames(bodyLimit, (bytes, omitted) => observe(direction, bytes, channel, omitted));
    const received = frames('in');
    this.#sent = frames('out');
    this.#channel = channel;
    channel.ondata = (bytes) => {
      received.push(bytes);
      this.ondata(bytes);
    };
    channel.ondrain = () => this.ondrain();
    channel.onclose = (error) => this.onclose(error);
  }

  get protocol() {
    return this.#channel.protocol;
  }

  get local() {
    return this.#channel.local;
  }

  get remote() {
    return this.#channel.remote;
  }

  get framed() {
    return this.#channel.framed;
  }

  get certificateNames() {
    return this.#channel.certificateNames;
  }

  get buffered() {
    return this.#channel.buffered;
  }

  send(...parts: Uint8Array[]): void {
    this.#channel.send(...parts);
    for (const part of parts) this.#sent.push(part);
  }

  unfinished(bytes: number): void {
    this.#channel.unfinished(bytes);
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  close(): void {
    this.#channel.close();
  }

  destroy(): void {
    this.#channel.destroy();
  }
}
