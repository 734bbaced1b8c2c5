import { TestInstallation } from './installation.ts';
import { databaseServerOf, startSelfHostedTemporal } from './self-hosted-temporal.ts';

/**
 * Before a suite that is run against a self-hosted server: starts one, with its history in a real Postgres, and tells every
 * installation of the suite, each of which gets a namespace of its own. Gives what is to be done afterwards.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  const provider = await TestInstallation.start({ sources: { docs: undefined } }, '--only', 'postgres');
  try {
    const server = await startSelfHostedTemporal(provider.home, 'suite', await databaseServerOf(provider));
    process.env.HOLDFAST_TEST_TEMPORAL_ADDRESS = server.address;
    return async () => {
      await server.stop();
      await provider.remove();
    };
  } catch (error) {
    await provider.remove();
    throw error;
  }
}
