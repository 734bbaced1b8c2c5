import { testNastyJourney } from '../support/nasty-journey.ts';

// Over what 32 bits count.
testNastyJourney(5 * 1024 ** 3);
