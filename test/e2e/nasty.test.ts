import { testNastyJourney } from '../support/nasty-journey.ts';

testNastyJourney(64 * 1024 * 1024);
