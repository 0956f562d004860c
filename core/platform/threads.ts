/** Worker threads. */

/** One end of the connection between two threads. Messages are structured clones and arrive in order. */
export interface ThreadPort {
  /** Called for each message. The owner must set it synchronously after it receives the port, before the first message. */
  onmessage: (message: unknown) => void;
  /** Transfers the buffers in `transfer` to the other thread. @throws DataCloneError if `message` cannot be cloned. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
}

/** In a worker: the port to the thread that started it. */
export interface ParentPort extends ThreadPort {
  /** Bytes of memory of this thread: heap and external buffers, including garbage. */
  memory(): number;
}

/** A thread of this process with its own heap and event loop. */
export interface WorkerThread extends ThreadPort {
  /** Called once, after the last message, with the reason of the end. */
  onend: (reason: Error) => void;
  /** Called with the standard output and error of the thread, which are not those of the process. */
  onoutput: (text: string) => void;
  /** Whether the thread keeps the process running, which is the default. */
  keepsProcess(yes: boolean): void;
  /** Ends the thread, even in an endless loop; a system call in progress delays the end. */
  end(): void;
  /** Bytes of memory of the whole process. */
  processMemory(): number;
}

export interface WorkerOptions {
  /** Name of the thread for people. */
  name: string;
  /** Limit of the JavaScript heap in bytes. The engine ends the thread at the limit. */
  heap: number;
}
