import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { opaArguments, opaEnvironment } from '../../src/policy/opa-arguments.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { runCommand } from '../../src/stack/run.ts';
import { throughputSettings } from '../../src/stack/services/postgres.ts';
import { builtGoPrograms } from '../support/go-program.ts';
import { prepare, preparedCheckout, settingsOf } from './prepared.ts';

/**
 * No engine runs here. What docker-compose.yml says is loaded by the loader of the Compose project itself, and held against
 * the configuration of the agent, Prometheus, Grafana and the collector.
 */
interface Service {
  readonly image: string;
  readonly build?: { readonly context: string };
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly host_ip?: string; readonly published?: string }[];
  readonly volumes?: readonly { type: string; source?: string; target: string; read_only?: boolean }[];
  readonly secrets?: readonly { readonly source: string; readonly target: string }[];
  readonly networks?: Readonly<Record<string, { ipv4_address?: string } | null>>;
  readonly network_mode?: string;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly mem_limit?: string;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly user?: string;
  readonly profiles?: readonly string[];
}

interface Project {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { internal?: boolean; ipam: { config: { subnet: string }[] } }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

let folder: string;
let compose: string;
let project: Project;

async function load(
  env: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path_ = process.env.PATH ?? '';
  return runCommand(compose, [path.join(folder, 'docker-compose.yml')], { env: { ...env, PATH: path_ } });
}

beforeAll(async () => {
  compose = path.join(await builtGoPrograms('compose', ['.']), 'compose');
  folder = await preparedCheckout();
  const { code, stdout, stderr } = await load({ ...settingsOf(folder), COMPOSE_PROFILES: 'setup' });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  project = JSON.parse(stdout) as Project;
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const services = (): [string, Service][] => Object.entries(project.services);
const service = (name: string): Service => {
  const found = project.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
};
/** Ends by itself: somebody waits for that. */
const isTask = (name: string): boolean =>
  name === 'setup' ||
  services().some(([, { depends_on }]) => depends_on?.[name]?.condition === 'service_completed_successfully');
const text = (name: string): string => readFileSync(path.join(projectRoot, name), 'utf8');
const secret = (name: string): string =>
  readFileSync(path.join(folder, 'ops/compose/secrets', name), 'utf8').trim();
const agentConfig = () => {
  const id = '0'.repeat(32);
  const own = { version: 1, repository: id, host: { id }, sources: [{ name: 's', path: '/sources' }] };
  const destinations = [{ name: 'primary', bucket: 'bucket', lock: { days: 7 } }];
  const settings = parse(text('ops/compose/holdfast.yaml')) as object;
  return parseConfig(JSON.stringify({ ...own, destinations, ...settings }), 'ops/compose/holdfast.yaml');
};

describe('the file', () => {
  test('has every part of the stack', () => {
    expect(services().map(([name]) => name)).toEqual(
      expect.arrayContaining([
        ...['agent', 'clamd', 'collector', 'grafana', 'loki', 'opa', 'postgres', 'prometheus', 's3'],
        ...['temporal', 'temporal-schema', 'temporal-namespace', 'temporal-ui'],
      ]),
    );
  });

  test('is refused before it was prepared', async () => {
    const { code, stderr } = await load({});
    expect(code).toBe(1);
    expect(stderr).toContain('run ops/compose/prepare.sh first');
  });

  test.each([
    ['a key that no specification knows', 'shm_size: 256m', 'shm_sice: 256m'],
    ['a volume that is not declared', '- state:/var/lib/holdfast', '- stato:/var/lib/holdfast'],
    [
      'a service that is not there',
      'loki: { condition: service_healthy }',
      'lok: { condition: service_healthy }',
    ],
  ])('is refused with %s', async (_, from, to) => {
    const whole = text('docker-compose.yml');
    expect(whole).toContain(from);
    const { writeFileSync } = await import('node:fs');
    const broken = path.join(folder, 'broken.yml');
    writeFileSync(broken, whole.replace(from, to));
    const { code } = await runCommand(compose, [broken], {
      env: { ...settingsOf(folder), PATH: process.env.PATH ?? '' },
    });
    expect(code).toBe(1);
  });

  test('names every image by an exact version, or builds it here', () => {
    for (const [name, { image, build }] of services()) {
      const [, tag = ''] = /:([^/:]+)$/.exec(image) ?? [];
      expect(tag, name).toMatch(/^v?\d+\.\d+(\.\d+)?([-_][a-z]+)?$/);
      if (build === undefined) expect(image, name).not.toMatch(/^holdfast/);
    }
    for (const line of text('Dockerfile').matchAll(/^FROM (\S+)/gm))
      expect(line[1]).toMatch(/:v?\d+\.\d+\.\d+(-[a-z-]+)?$/);
  });

  test('names the versions that the tests run', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    expect(service('agent').image).toBe(`holdfast:${version}`);
    const required = (tool: string, module: string) =>
      new RegExp(`${module} (v\\S+)`).exec(text(`tools/${tool}/go.mod`))?.[1];
    expect(service('s3').image).toBe(
      `versity/versitygw:${required('versitygw', 'github.com/versity/versitygw')}`,
    );
    const opa = required('opa', 'github.com/open-policy-agent/opa')?.slice(1);
    expect(service('opa').image).toBe(`openpolicyagent/opa:${opa}-static`);
    expect(text('Dockerfile')).toContain(`openpolicyagent/opa:${opa}-static`);
    const server = required('temporal-server', 'go.temporal.io/server')?.slice(1);
    expect(service('temporal').image).toBe(`temporalio/server:${server}`);
    expect(service('temporal-schema').image).toBe(`temporalio/admin-tools:${server}`);
    expect(service('loki').image).toBe(
      `grafana/loki:${required('loki', 'github.com/grafana/loki/v3')?.slice(1)}`,
    );
  });

  test('checks the health of every service that stays, and waits for it', () => {
    for (const [name, { healthcheck, depends_on = {} }] of services()) {
      if (isTask(name)) expect(healthcheck?.disable, name).toBe(true);
      else expect(healthcheck?.test?.[0], name).toBe('CMD');
      for (const [other, { condition }] of Object.entries(depends_on))
        expect(condition, `${name} on ${other}`).toBe(
          isTask(other) ? 'service_completed_successfully' : 'service_healthy',
        );
    }
  });

  test('bounds memory and logs, and takes rights away, everywhere', () => {
    for (const [name, { mem_limit, logging, cap_drop }] of services()) {
      expect(Number(mem_limit), name).toBeGreaterThan(0);
      expect(logging, name).toMatchObject({
        driver: 'json-file',
        options: { 'max-size': '10m', 'max-file': '5' },
      });
      expect(cap_drop, name).toEqual(['ALL']);
    }
  });

  test('publishes two pages, on 127.0.0.1', () => {
    const published = services().flatMap(([name, { ports = [] }]) =>
      ports.map(({ host_ip, published: port }) => [name, host_ip, port]),
    );
    expect(published.sort()).toEqual([
      ['grafana', '127.0.0.1', '3000'],
      ['temporal-ui', '127.0.0.1', '8080'],
    ]);
  });

  test('has one network between the services, with no way out of it', () => {
    expect(project.networks.internal?.internal).toBe(true);
    const withWayOut = services().filter(([, { networks }]) => networks && 'edge' in networks);
    expect(withWayOut.map(([name]) => name).sort()).toEqual(['agent', 'clamd', 'grafana', 'temporal-ui']);
    for (const [name, { networks, network_mode }] of services())
      expect(networks !== undefined || network_mode === 'none', name).toBe(true);
  });

  test('mounts only files that are there, and never for writing', () => {
    for (const [name, { volumes = [] }] of services()) {
      for (const { type, source = '', read_only } of volumes) {
        if (type !== 'bind') continue;
        expect(existsSync(source), `${name}: ${source}`).toBe(true);
        expect(read_only, `${name}: ${source}`).toBe(true);
      }
    }
    for (const [name, { file }] of Object.entries(project.secrets)) expect(existsSync(file), name).toBe(true);
  });

  test('uses every volume and every secret that it declares', () => {
    const used = services().flatMap(([, { volumes = [], secrets = [] }]) => [
      ...volumes.filter(({ type }) => type === 'volume').map(({ source }) => source),
      ...secrets.map(({ source }) => source),
    ]);
    expect([...new Set(used)].sort()).toEqual(
      [...Object.keys(project.volumes), ...Object.keys(project.secrets)].sort(),
    );
  });

  test('holds no password, and commands show none', () => {
    const whole = `${text('docker-compose.yml')}${JSON.stringify(project)}`;
    for (const name of readdirSync(path.join(folder, 'ops/compose/secrets'))) {
      if (name.endsWith('-uri') || name === 's3-credentials') continue;
      expect(whole, name).not.toContain(secret(name));
    }
    for (const [name, { environment = {} }] of services())
      for (const [key, value] of Object.entries(environment))
        if (/PASS|SECRET|PWD|TOKEN/.test(key)) expect(value, `${name} ${key}`).toMatch(/^\/run\/secrets\//);
  });
});

describe('preparing', () => {
  test('draws secrets of their own that nobody else on the machine reads, once', async () => {
    const names = readdirSync(path.join(folder, 'ops/compose/secrets'));
    expect(names.sort()).toEqual(Object.keys(project.secrets).sort());
    const drawn = names.filter((name) => !/-uri$|credentials/.test(name)).map(secret);
    for (const value of drawn) expect(value).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(statSync(path.join(folder, 'ops/compose/secrets')).mode & 0o777).toBe(0o700);
    const before = names.map(secret);
    const said = await prepare(folder);
    expect(names.map(secret)).toEqual(before);
    for (const value of drawn) expect(said).not.toContain(value);
    expect(settingsOf(folder)).toEqual({
      HOLDFAST_UID: '1234',
      HOLDFAST_GID: '5678',
      HOLDFAST_SOURCES: path.join(folder, 'shared files'),
    });
  });

  test('leaves nothing of it to version control or to the image', () => {
    for (const file of ['.gitignore', '.dockerignore']) {
      expect(text(file).split('\n'), file).toContain(
        file === '.gitignore' ? 'ops/compose/secrets/' : 'ops/compose/secrets',
      );
      expect(text(file).split('\n'), file).toContain('.env');
    }
  });
});

describe('the agent', () => {
  test('is told where every service is, by name, port and credentials that the stack has', () => {
    const config = agentConfig();
    const { temporal, postgres, opa, clamd, s3 } = config.services;
    expect(Object.values(config.services).map(({ mode }) => mode)).toEqual(Array(5).fill('external'));
    if (temporal.mode !== 'external' || postgres.mode !== 'external' || s3.mode !== 'external')
      throw new Error();
    if (opa.mode !== 'external' || clamd.mode !== 'external') throw new Error();
    expect(temporal.address).toBe('temporal:7233');
    expect(service('temporal').healthcheck?.test?.at(-1)).toBe('7233');
    expect(service('temporal-namespace').command?.join(' ')).toContain(`--namespace ${temporal.namespace} `);
    expect(temporal.webUi).toBe('http://127.0.0.1:8080');
    expect(service('s3').command?.join(' ')).toContain(`--port=:${new URL(s3.endpoint ?? '').port}`);
    expect(service('s3').command?.join(' ')).toContain(`--region=${s3.region}`);
    for (const host of ['temporal', 'postgres', new URL(s3.endpoint ?? '').hostname])
      expect(Object.keys(service(host).networks ?? {}), host).toContain('internal');
    const secrets = service('agent').secrets?.map(({ target }) => target);
    for (const file of [
      postgres.ownerUriFile,
      postgres.writerUriFile,
      s3.credentialsFile,
      config.passwordFile,
    ])
      expect(secrets).toContain(file);
  });

  test('has credentials that the services know', () => {
    const init = text('ops/compose/postgres-init.sh');
    for (const role of ['owner', 'writer'] as const) {
      const uri = new URL(secret(`catalog-${role}-uri`));
      expect(uri.password).toBe(secret(`catalog-${role}-password`));
      expect(init).toContain(`create role ${uri.username} login`);
      expect(init).toContain(`--set ${role}="$(password catalog-${role}-password)"`);
      expect(init).toContain(`create database ${uri.pathname.slice(1)} owner holdfast_owner`);
      expect([uri.hostname, uri.port]).toEqual(['postgres', '5432']);
    }
    expect(secret('s3-credentials')).toContain(`aws_secret_access_key = ${secret('s3-secret')}`);
    const [, account] = /aws_access_key_id = (\S+)/.exec(secret('s3-credentials')) ?? [];
    expect(service('s3').command?.join(' ')).toContain(`ROOT_ACCESS_KEY_ID=${account} `);
    expect(init).toContain(`create role ${service('temporal').environment?.POSTGRES_USER} login`);
    const { DBNAME, VISIBILITY_DBNAME } = service('temporal').environment ?? {};
    for (const database of [DBNAME, VISIBILITY_DBNAME]) {
      expect(init).toContain(`create database ${database} owner temporal`);
      expect(text('ops/compose/temporal-schema.sh')).toContain(`SQL_DATABASE=${database} `);
    }
    for (const name of ['postgres', 'temporal', 'temporal-schema', 's3']) {
      const given = service(name).secrets?.map(({ source }) => source) ?? [];
      const script =
        name === 'postgres'
          ? init
          : name === 'temporal-schema'
            ? text('ops/compose/temporal-schema.sh')
            : service(name).command?.join(' ');
      for (const source of given)
        expect(`${script}${JSON.stringify(service(name).environment)}`, `${name}: ${source}`).toContain(
          source,
        );
    }
  });

  test('alone shares the sockets of OPA and clamd', () => {
    const { opa, clamd } = agentConfig().services;
    const sockets = {
      opa: opa.mode === 'external' && opa.socket,
      clamd: clamd.mode === 'external' && clamd.socket,
    };
    for (const [name, socket] of Object.entries(sockets)) {
      const volume = `${name}-socket`;
      const target = path.dirname(String(socket));
      const who = services().filter(([, { volumes = [] }]) =>
        volumes.some(({ source }) => source === volume),
      );
      // `folders`, `policy` and `setup` are the program too, and end at once.
      expect(who.map(([one]) => one).sort()).toEqual(['agent', 'folders', 'policy', 'setup', name].sort());
      for (const one of ['agent', name])
        expect(service(one).volumes).toContainEqual(expect.objectContaining({ source: volume, target }));
    }
    expect(service('opa').command?.join(' ')).toContain(`unix://${sockets.opa}`);
    expect(text('ops/compose/clamd.conf')).toContain(`LocalSocket ${sockets.clamd}\n`);
    expect(text('ops/compose/clamd.conf')).not.toMatch(/^TCP/m);
    expect(service('opa').network_mode).toBe('none');
  });

  test('has a Postgres that is set as its own would be', () => {
    const settings = Object.entries(throughputSettings(64 * 2 ** 30)).map(
      ([name, value]) => `--${name}=${value}`,
    );
    expect(service('postgres').command).toEqual(['postgres', ...settings]);
  });

  test('has an OPA that is run as its own would be, with the policy that it writes', () => {
    const [, , , output] = service('policy').command ?? [];
    const own = opaArguments({ socketPath: '/run/opa/opa.sock', bundle: String(output) });
    const flat = (args: readonly string[]) => args.join(' ').replaceAll('=', ' ');
    expect(flat(service('opa').command ?? [])).toBe(`${flat(own)} --watch`);
    expect(service('opa').environment).toMatchObject(opaEnvironment);
    expect(service('opa').user).toBe(service('agent').user);
  });

  test('has a clamd that says of nothing clean what it did not look into', () => {
    const conf = text('ops/compose/clamd.conf');
    for (const line of [
      'AlertExceedsMax yes',
      'AlertEncrypted yes',
      'MaxFileSize 2000M',
      'StreamMaxLength 2000M',
    ])
      expect(conf).toContain(`${line}\n`);
  });

  test('sees sources for reading only, has no rights, and keeps its state in volumes', () => {
    const { user, read_only, volumes = [] } = service('agent');
    expect(user).toBe('1234:5678');
    expect(read_only).toBe(true);
    expect(volumes).toContainEqual(
      expect.objectContaining({
        source: path.join(folder, 'shared files'),
        target: '/sources',
        read_only: true,
      }),
    );
    const dockerfile = text('Dockerfile');
    expect(dockerfile).toMatch(/^USER \d+:\d+$/m);
    const [, home] = /HOLDFAST_HOME=(\S+)/.exec(dockerfile) ?? [];
    expect(volumes).toContainEqual(expect.objectContaining({ source: 'state', target: home }));
    for (const [, from] of dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm))
      expect(existsSync(path.join(projectRoot, String(from))), String(from)).toBe(true);
  });
});

describe('what is watched', () => {
  test('Prometheus reads the agent where it serves its metrics, by the rules of the project', () => {
    const { address, ports } = agentConfig().metrics;
    expect(service('agent').networks?.internal?.ipv4_address).toBe(address);
    const subnet = project.networks.internal?.ipam.config[0]?.subnet ?? '';
    expect(address.split('.').slice(0, 3)).toEqual(subnet.split('.').slice(0, 3));
    const config = parse(text('ops/compose/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const outside = parse(text('ops/prometheus/prometheus.yml')) as typeof config;
    const targets = config.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((c) => c.targets),
    );
    for (const target of targets) expect(Object.keys(project.services)).toContain(target.split(':')[0]);
    for (const port of Object.values(ports)) expect(targets).toContain(`agent:${port}`);
    expect(service('temporal').environment?.PROMETHEUS_ENDPOINT).toBe('0.0.0.0:8000');
    // Alerts and dashboards name jobs.
    expect(config.scrape_configs.map(({ job_name }) => job_name)).toEqual(
      expect.arrayContaining(outside.scrape_configs.map(({ job_name }) => job_name)),
    );
    expect(config.rule_files).toEqual(outside.rule_files);
    expect(service('prometheus').volumes).toContainEqual(
      expect.objectContaining({
        source: path.join(folder, 'ops/prometheus/rules'),
        target: '/etc/prometheus/rules',
      }),
    );
  });

  test('Grafana is told of Prometheus and Loki by names of services, and finds its dashboards', () => {
    const { environment = {}, volumes = [] } = service('grafana');
    const datasources = parse(text('ops/grafana/provisioning/datasources/holdfast.yml')) as {
      datasources: { url: string }[];
    };
    for (const { url } of datasources.datasources) {
      const [, variable = ''] = /^\$\{(\w+)\}$/.exec(url) ?? [];
      const { hostname, port } = new URL(environment[variable] ?? '');
      expect(Object.keys(service(hostname).networks ?? {})).toContain('internal');
      expect({ prometheus: '9090', loki: '3100' }[hostname]).toBe(port);
    }
    expect(text('ops/loki/loki.yaml')).toContain('http_listen_port: 3100');
    const providers = parse(text('ops/grafana/provisioning/dashboards/holdfast.yml')) as {
      providers: { options: { path: string } }[];
    };
    for (const { options } of providers.providers)
      expect(volumes).toContainEqual(
        expect.objectContaining({
          source: path.join(folder, 'ops/grafana/dashboards'),
          target: options.path,
        }),
      );
  });

  test('the collector is configured in its own language, and every part that is named is there', async () => {
    const alloy = path.join(await builtGoPrograms('alloy', ['.']), 'alloy');
    const parsed = await runCommand(alloy, [path.join(projectRoot, 'ops/collector/config.alloy')]);
    expect(parsed).toMatchObject({ code: 0, stderr: '' });
    const components = JSON.parse(parsed.stdout) as { name: string; references: string[] }[];
    const names = components.map(({ name }) => name);
    const named = components.flatMap(({ references }) => references);
    // The last part is what a component offers.
    expect(named.filter((name) => !names.includes(name.replace(/\.\w+$/, '')))).toEqual([]);
    expect(named).toContain('loki.write.loki.receiver');
    const broken = path.join(folder, 'broken.alloy');
    writeFileSync(broken, text('ops/collector/config.alloy').replace('forward_to = [', 'forward_to = '));
    expect(await runCommand(alloy, [broken])).toMatchObject({ code: 1 });
  }, 60_000);

  test('the collector reads the logs of our own processes only, and labels them as the program does', () => {
    const config = text('ops/collector/config.alloy');
    const mounted = service('collector').volumes?.filter(({ type }) => type === 'volume' || type === 'bind');
    expect(mounted?.map(({ source, target }) => [path.basename(String(source)), target]).sort()).toEqual([
      ['collector', '/var/lib/collector'],
      ['config.alloy', '/etc/alloy/config.alloy'],
      ['logs', '/var/log/holdfast'],
    ]);
    const files = [...config.matchAll(/"__path__" = "([^"]+)", "service" = "([^"]+)"/g)].map(
      ([, file, name]) => [file, name],
    );
    expect(files).toEqual(
      ['supervisor', 'worker', 'watcher', 'gate'].map((name) => [`/var/log/holdfast/${name}.log`, name]),
    );
    expect(config).toContain('values = ["service", "level", "host"]');
    expect(config).toContain('drop_malformed = true');
    expect(config).toContain('url = "http://loki:3100/loki/api/v1/push"');
  });
});
