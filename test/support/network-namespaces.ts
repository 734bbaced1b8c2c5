import { execFileSync } from 'node:child_process';

const ip = (...args: string[]): string => execFileSync('ip', args, { stdio: 'pipe', encoding: 'utf8' });

/** Machines of a small network: a bridge with this one on it, and a network namespace for each other. */
export class Network {
  /** This machine's address in it. */
  readonly address: string;
  readonly #bridge: string;
  readonly #prefix: string;
  readonly #names: string[] = [];

  /** @param number 1 to 254: tells the networks of one machine apart */
  constructor(number: number) {
    this.#bridge = `hf${process.pid}b`;
    this.#prefix = `10.213.${number}`;
    this.address = `${this.#prefix}.1`;
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('address', 'add', `${this.address}/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
  }

  /** A further machine; gives what a command is started through to run there. */
  add(): readonly string[] {
    const number = this.#names.length + 2;
    const name = `hf${process.pid}n${number}`;
    this.#names.push(name);
    ip('netns', 'add', name);
    ip('link', 'add', this.outside(name), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', this.outside(name), 'master', this.#bridge, 'up');
    ip('-n', name, 'address', 'add', `${this.#prefix}.${number}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    return ['ip', 'netns', 'exec', name];
  }

  /** What still runs on the other machines ends: a namespace lasts as long as a process is in it. */
  remove(): void {
    for (const name of this.#names) {
      for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean))
        process.kill(Number(pid), 'SIGKILL');
      ip('netns', 'delete', name);
    }
    ip('link', 'delete', this.#bridge);
  }

  private outside(name: string): string {
    return `${name}o`;
  }
}

/** Whether this process may make networks at all. */
export function mayMakeNetworks(): boolean {
  try {
    new Network(254).remove();
    return true;
  } catch {
    return false;
  }
}
