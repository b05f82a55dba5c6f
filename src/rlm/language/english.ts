import { agreement } from './english/agreement.js';
import { delegation } from './english/delegation.js';
import { error } from './english/error.js';
import { gratitude } from './english/gratitude.js';
import { stalling } from './english/stalling.js';
import type { Language } from './language.js';

/** By itself such a word says what one does; only of something else it says that it takes its time. */
const underWay =
  'running processing building deploying provisioning uploading downloading training syncing converging starting'
    .split(' ')
    .flatMap((what) => ['still', 'is', 'are', 'state', 'status'].map((before) => `${before} ${what}`));

export const english: Language = {
  stopWords:
    'a about after again all already also am an and any are as at back be because been before both but by can could did ' +
    'do does done down each every for from get go had has have he her here him his how i id if ill im in into is it ' +
    'its ive just let lets like may me might more most must my need no not now of off on once one only or other our ' +
    'out over own please same shall she should so some still such than that thats the their them then there these ' +
    'they this those through to too under until up us very was we well were weve what when where which while who ' +
    'why will with would yes yet you your youre youve',
  counterWords:
    'attempt attempts retry retries try iteration iterations iter round loop cycle time pass take step hop turn tick run',
  durationUnits:
    's sec secs second seconds ms milliseconds m min mins minute minutes h hr hours hour days day',
  themes: { gratitude, agreement, delegation, error, stalling },
  waiting:
    'pending, queued, in progress, waiting, not ready, not yet, not finished, not done, not complete, poll, ' +
    'polls, polling, polled, check again, checking again, check back, heartbeat, keepalive, healthy, alive, ' +
    'sleep, sleeping, eta, underway, under way, in flight, warming up, time remaining, remaining time, no new messages, ' +
    underWay.join(', '),
  done:
    'done, completed, complete, finished, ready, succeeded, success, successful, successfully, passed, green, ' +
    'deployed, delivered, arrived, merged, available, live, closed, approved, finalized',
  looking:
    'checking, check on, check the status, check again, status check, queue check, status of, looking up, poll, polling, ' +
    'refreshing, any news, any update, any updates',
  prompting:
    'please continue, please proceed, continue with, continue working, proceed with, keep going, carry on, ' +
    'go on with, next part, next step, next one',
};
