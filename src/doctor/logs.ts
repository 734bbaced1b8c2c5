import { access, constants, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../files/error-code.ts';
import { logFilesOf } from '../logs/follow.ts';
import { oldestUnsentMs } from '../logs/lag.ts';
import { type LokiConfig, pushTo } from '../logs/loki.ts';
import { readStanding, shippingWarnings, standingFile } from '../logs/standing.ts';
import { timeIn } from '../text/time.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Below this share of free space nothing can be relied on to be written. */
const leastFree = 0.02;
/** Lines are sent every second, and a minute after Loki is back at the latest. */
const mostLagMs = 5 * 60_000;

/** Whether our processes can write their logs, and Loki, where one is configured, gets them. */
export const logs: Check = {
  name: 'logs',
  async look({ config, home, status }) {
    const findings = await lookAtFolder(join(home, 'logs'), home);
    const { loki } = config.logs;
    if (loki !== undefined) {
      const time = (at: Date): string => timeIn(config.timezone, at);
      findings.push(...(await lookAtLoki(loki, home, { time, isRunning: status !== undefined })));
    }
    if (findings.length > 0) return findings;
    return [ok(loki === undefined ? say('doctor', 'logs_well') : say('doctor', 'logs_shipped'))];
  },
};

async function lookAtFolder(folder: string, home: string): Promise<Finding[]> {
  const unwritable = (why: string): Finding => ({
    state: 'problem',
    what: say('doctor', 'logs_unwritable', { folder, why }),
    means: say('doctor', 'logs_unwritable_means'),
    todo: say('doctor', 'logs_unwritable_todo', { folder }),
  });
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const [own, all] = [await stat(folder), await stat(home)];
    // One disk for both is looked at once, by another check.
    if (own.dev === all.dev) return [];
    const { bavail, blocks } = await statfs(folder);
    return bavail / blocks < leastFree ? [unwritable('ENOSPC')] : [];
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return [unwritable(code)];
  }
}

async function lookAtLoki(
  loki: LokiConfig,
  home: string,
  { time, isRunning }: { readonly time: (at: Date) => string; readonly isRunning: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const standing = readStanding(standingFile(home));
  // Without a line it changes nothing. That Loki refuses what holds none says that it is there and lets us in.
  const answer = await pushTo(loki, hostname())([]);
  if (answer.result === 'later')
    findings.push({
      state: 'problem',
      what: say('doctor', 'loki_away', { url: loki.url, why: answer.why }),
      means: say('doctor', 'loki_away_means'),
      todo: say('doctor', 'loki_away_todo'),
    });
  else if (isRunning && standing !== undefined) {
    const oldestMs = oldestUnsentMs(logFilesOf(home), standing.sent);
    if (oldestMs !== undefined && Date.now() - oldestMs > mostLagMs)
      findings.push({
        state: 'problem',
        what: say('doctor', 'loki_lags', { since: time(new Date(oldestMs)) }),
        means: say('doctor', 'loki_away_means'),
        todo: say('doctor', 'loki_lags_todo'),
      });
  }
  const { waiting: _, ...past } = standing ?? { sent: {} };
  for (const what of shippingWarnings(past, time))
    findings.push({ state: 'warning', what, todo: say('doctor', 'loki_lost_todo') });
  return findings;
}
