import type { Turn } from '../../src/rlm/transcript.js';
import type { World } from './slots.js';

/** Stretches that look like loops and are none. */
export const negatives: Readonly<Record<string, (world: World) => Generator<Turn>>> = {
  *pollingThatAdvances(world) {
    const [job, a, b] = [world.slot('ticket'), 'runner', 'builder'];
    const every = world.random.whole(10, 60);
    for (let percent = world.random.whole(1, 9); percent < 100; percent += world.random.whole(2, 9)) {
      yield { speaker: a, text: `What is the status of export ${job}?` };
      yield {
        speaker: b,
        text: `Export ${job} is still running, ${percent}% done. Checking again in ${every} seconds.`,
      };
    }
    yield {
      speaker: b,
      text: `Export ${job} completed, ${world.slot('number')} rows written to ${world.slot('file')}.`,
    };
  },
  *pollingThatEnds(world) {
    const job = world.slot('ticket');
    for (let i = world.random.whole(5, 16); i > 0; i--) {
      yield { speaker: 'agent', text: `{"tool":"job_status","job":"${job}"}` };
      yield { speaker: 'queue', text: `{"job":"${job}","state":"pending","position":"in queue"}` };
    }
    yield { speaker: 'queue', text: `{"job":"${job}","state":"finished","artifact":"${world.slot('hex')}"}` };
  },
  *waitingForApproval(world) {
    const who = world.slot('person');
    for (let i = world.random.whole(4, 8); i > 0; i--)
      yield { speaker: 'deployer', text: `Still waiting for the approval of ${who}, not ready to deploy.` };
    yield {
      speaker: 'deployer',
      text: `${who} approved at ${world.slot('time')}, version ${world.slot('version')} goes out.`,
    };
  },
  *heartbeats(world) {
    for (let i = world.random.whole(6, 20); i > 0; i--)
      yield {
        speaker: 'monitor',
        text: `Heartbeat from ${world.slot('module')} at ${world.slot('time')}: healthy, ${world.slot('number')} jobs in flight.`,
      };
  },
  *batchOverIds(world) {
    const [file, verb] = [
      world.slot('file'),
      world.random.pick(['Converting', 'Checking', 'Importing', 'Archiving']),
    ];
    for (let i = world.random.whole(12, 40); i > 0; i--) {
      const id = world.fresh();
      yield {
        speaker: 'worker',
        text: `${verb} record ${id} of the customer table as described in ${file}.`,
      };
      if (world.random.chance(0.5))
        yield { speaker: 'store', text: `Record ${id} was written without a warning.` };
    }
  },
  *batchOverNames(world) {
    const noun = world.slot('noun');
    const form = world.random.pick([
      (name: string) => `Sending the letter about the new ${noun} to ${name} and filing the copy.`,
      (name: string) =>
        `Please check whether ${name} has signed the ${noun} form and note the answer in the sheet.`,
      (name: string) => `Asked ${name} for the ${noun} of last year; the reply is in the shared folder.`,
    ]);
    for (let i = world.random.whole(10, 30); i > 0; i--)
      yield { speaker: 'clerk', text: form(world.slot('person')) };
  },
  *batchOfTests(world) {
    for (let i = world.random.whole(8, 24); i > 0; i--) {
      const file = world.slot('file');
      yield { speaker: 'ci', text: `Running ${file}` };
      yield {
        speaker: 'ci',
        text: world.random.chance(0.2)
          ? `${file} failed: ${world.slot('finding')}`
          : `${file} passed in ${world.slot('number')} ms`,
      };
    }
  },
  *listWorkedThrough(world) {
    const names = Array.from({ length: world.random.whole(5, 9) }, () => world.slot('person'));
    for (; names.length > 1; names.shift()) {
      yield {
        speaker: 'lead',
        text: `Please call the remaining members of the board and ask for their vote: ${names.join(', ')}.`,
      };
      yield {
        speaker: 'secretary',
        text: `${names[0]} votes for ${world.slot('city')}, because ${world.slot('finding')}.`,
      };
    }
  },
  *politeProgress(world) {
    for (let i = world.random.whole(6, 14); i > 0; i--) {
      yield {
        speaker: 'planner',
        text: `Thank you, that helps a lot. Next, please look at ${world.slot('file')}, where ${world.slot('finding')}.`,
      };
      yield {
        speaker: 'coder',
        text: `Happy to help! I changed ${world.slot('file')} so that we can ${world.slot('action')}; ${world.slot('ticket')} is closed by it.`,
      };
    }
  },
  *agreementWithSubstance(world) {
    for (let i = world.random.whole(5, 12); i > 0; i--) {
      yield {
        speaker: 'architect',
        text: `I agree, ${world.slot('finding')}. So let us ${world.slot('action')} by ${world.slot('date')}.`,
      };
      yield {
        speaker: 'reviewer',
        text: `Good point about the ${world.slot('adjective')} ${world.slot('noun')}. ${world.slot('person')} would add that ${world.slot('finding')}.`,
      };
    }
  },
  *delegationOfTasks(world) {
    for (let i = world.random.whole(5, 14); i > 0; i--) {
      const ticket = world.slot('ticket');
      yield {
        speaker: 'dispatcher',
        text: `${world.slot('first')}, can you take over ${ticket}? In it ${world.slot('finding')}.`,
      };
      yield {
        speaker: 'team',
        text: `Taking ${ticket}; ${world.slot('person')} will ${world.slot('action')}.`,
      };
    }
  },
  *retryThatWorks(world) {
    const [call, host] = [world.slot('file'), world.slot('module')];
    for (let i = 1; i <= 2; i++) {
      yield { speaker: 'agent', text: `Uploading ${call} to ${host}, attempt ${i}.` };
      yield { speaker: 'tool', text: `Error: connection to ${host} timed out after 30 seconds.` };
    }
    yield { speaker: 'agent', text: `Uploading ${call} to ${host}, attempt 3, over the other line.` };
    yield { speaker: 'tool', text: `Stored as ${world.slot('hex')}, ${world.slot('number')} KiB.` };
  },
  *differentFailures(world) {
    for (let i = world.random.whole(5, 10); i > 0; i--) {
      yield { speaker: 'tester', text: `{"tool":"run","cmd":"check ${world.slot('file')}"}` };
      yield {
        speaker: 'tool',
        text: `Error in ${world.slot('file')} line ${world.slot('line')}: ${world.slot('finding')}`,
      };
    }
  },
  *recaps(world) {
    const facts: string[] = [];
    for (let i = world.random.whole(4, 7); i > 0; i--) {
      for (let step = 0; step < 3; step++) {
        const fact = world.slot('finding');
        facts.push(fact);
        yield { speaker: 'analyst', text: `Looked at ${world.slot('file')}: ${fact}.` };
      }
      yield { speaker: 'lead', text: `To sum up what we know by now: ${facts.join('; ')}.` };
    }
  },
  *shortAnswers(world) {
    for (let i = world.random.whole(8, 20); i > 0; i--) {
      yield {
        speaker: 'interviewer',
        text: world.fill(
          world.random.pick([
            'Does {person} know that {finding}?',
            'Is the {adjective} {noun} of {city} part of {ticket}?',
            'Did you {action} on {date}?',
          ]),
        ),
      };
      yield {
        speaker: 'witness',
        text: world.random.pick([
          'Yes.',
          'No.',
          'Yes, I think so.',
          'I do not know.',
          'No, not that I know of.',
          'Right.',
        ]),
      };
    }
  },
};
