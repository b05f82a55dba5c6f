import type { ThemeWords } from '../language.js';

/** Nothing is there yet: intentions, and asking for news. */
export const stalling: ThemeWords = {
  triggers:
    'a moment, about to begin, about to start, almost done, almost there, any news, any progress, any result, ' +
    'any results, any update, any updates, anything yet, are you done, are you ready, are you there, as before, ' +
    'as i said, as mentioned, as stated, assessing, awaiting your, bear with, bear with me, begin examining, ' +
    'begin looking, bit more time, carry on, circle back, closer look, collecting my thoughts, coming along, ' +
    'considering, continue to look, continue to monitor, continue to review, continue to think, ' +
    'continue working, continuing, could you clarify, decide how, deciding, deeper look, done yet, evaluating, ' +
    'explore options, exploring, figure out how, figure this out, figuring out, finalising, finalizing, ' +
    'finished yet, gather my thoughts, gathering my thoughts, get back to you, get to it, get to this, ' +
    'getting ready, getting there, getting to it, give me a, hang tight, have a result, have to consider, ' +
    'have to think, hold on, how are you getting on, how far, hows it, i am on it, im on it, in a bit, ' +
    'in a minute, in a moment, in a second, in due course, in the middle of, in the process of, intend to, ' +
    'intending to, intention, is it done, is it finished, is it ready, just a little, just a minute, ' +
    'just a second, keep you posted, let me consider, let me look, let me think, let you know, little more time, ' +
    'look into, looking into, make sure i, making headway, momentarily, more time, mull, mulling, must first, ' +
    'nearly done, nearly there, need clarification, need more information, need more time, need time, ' +
    'need to consider, need to first, need to think, next i, no change, no hurry, no news, no progress, no rush, ' +
    'no update, no updates, not there yet, nothing concrete, nothing new, nothing to add, nothing to report, ' +
    'nothing yet, on my list, on my way, one moment, ongoing, plan to, planning to, please advise, ' +
    'please clarify, please hold, please wait, pondering, preparing, progressing well, pulling things together, ' +
    'putting the pieces, ready yet, reflect on, reflecting, remains open, report back, result yet, results yet, ' +
    'right away, same as before, same status, setting things up, shortly, should first, should think, soon, ' +
    'stand by, standing by, start by, status please, still analyzing, still investigating, still looking, ' +
    'still on, still on it, still reviewing, still there, still waiting, still working, take your time, ' +
    'think about it, think carefully, think it over, think this through, think through, thinking, ' +
    'under consideration, under review, update you, waiting for you, waiting on you, want to be careful, ' +
    'want to be sure, want to get this right, weighing, where we left, will begin, will let you know, ' +
    'will report back, will share, will start, will update you, work continues, working on it, working on this, ' +
    'working through',
  beside:
    'about act action actually advance ahead almost already analysis analyze analyzing anything approach ' +
    'approaches around as ask aspects assess attention available away backlog based bear before begin beginning ' +
    'best better bit bring broader careful carefully cautious check checking clear clearer closely closer coming ' +
    'commit complete completed complex conclude conclusion concrete consider contemplate contemplating continue ' +
    'correct course currently decision deep deeper deeply detail details determine determining different dive ' +
    'diving doing done due easy effort enough ensure evaluate every everything exactly examine examining explore ' +
    'fair far figure final finalize find finish finished finishing first focus focused following form full fully ' +
    'further gather gathering getting give given go going good grasp great ground hand handle happening happy ' +
    'hard head headway hello help hold hour i idea immediately implications important individual information ' +
    'input insight intend intended investigate is issue it item keep keeping know last later lead least like ' +
    'likely line list little lot main make makes making many matter matters mean meantime meanwhile mind minute ' +
    'moment move moving much nearly necessary needed needs next note noted nothing now open options order ' +
    'organize others overall pace part patience patient perspective phase picture piece place plan planned ' +
    'planning point possible potential prepare prepared present previous problem proceed process processing ' +
    'produce progress proper properly put question quick quickly quite ready really reflect remain remains ' +
    'remark report request required requires respond response rest result results return review reviewing right ' +
    'rush say second see seems sense several share short sides simply situation slow slowly solution something ' +
    'sort spend stage start started starting starts state statement status stay step steps still strategy sure ' +
    'take takes task tasks tell thank thanks think thorough thoroughly thought thoughts through time tomorrow ' +
    'top topic touch towards trying understand understanding until upcoming update updates usual various view ' +
    'wait waiting want watch way weigh whole work worked works write yes',
};
