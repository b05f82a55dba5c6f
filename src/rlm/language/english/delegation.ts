import type { ThemeWords } from '../language.js';

/** A task is handed on, or sent back. */
export const delegation: ThemeWords = {
  triggers:
    'a job for, a matter for, a question for, a task for, after you, all yours, assign it, assign this, ' +
    'assigned to, assigning, assume you, awaiting your, back in your, back to, back to you, belongs in, ' +
    'belongs to, belongs to you, belongs with you, best suited, better placed, better suited, beyond my, ' +
    'bounced, bouncing, can you handle, can you take, cannot handle, cant handle, come first, comes first, ' +
    'could you handle, could you take, decide first, defer to, deferring, delegate, delegated, delegating, ' +
    'depends on your, escalate, escalating, falls to, falls under, for you to, forward it, forward this, ' +
    'forwarded, forwarding, give it back, hand it, hand over, hand this, hand-off, handing, handle it, ' +
    'handle this, handoff, handover, have permission, have the permission, have the permissions, i assumed you, ' +
    'i insist, i only deal, i only handle, is yours, its yours, kick it back, kicking this back, ' +
    'leave it to you, leave this to you, loop in, looping in, must decide, my area, my department, my domain, ' +
    'my expertise, my job, my plate, my queue, my remit, my responsibility, my role, my scope, my task, ' +
    'needs to decide, needs your, no permission, no permissions, not allowed to, not authorised to, ' +
    'not authorized to, not mine, not my, not responsible, ought to, out of scope, outside my, ' +
    'outside the scope, over to you, own it, own this, owned by, owns this, pass it, pass this, pass to, ' +
    'passing, pick it up, pick this up, pick up, please complete, please decide, please finish, please handle, ' +
    'please own, please resolve, please review and decide, please take, punting, reassign, reassigning, ' +
    'redirect, redirected, redirecting, refer it, refer this, refer you, reroute, rerouting, ' +
    'responsible for this, return this, returned to, returning, right access, route this, routing, send back, ' +
    'send it back, sending, should decide, should do, should handle, should own, should take, something for, ' +
    'tag you, take it, take over, take that, take the lead, take this, that is yours, thats on you, thats yours, ' +
    'thought you, tossing, transfer this, transferred, transferring, unable to handle, up to you, ' +
    'waiting for your, who has the, you decide, you first, you go first, you handle, you lead, you take, ' +
    'your area, your call, your choice, your court, your decision, your department, your desk, your domain, ' +
    'your expertise, your field, your hands, your job, your plate, your queue, your remit, your responsibility, ' +
    'your role, your scope, your side, your specialty, your task, your team, your ticket, your turn, youre up',
  beside:
    'about access according accordingly agent allow allowed also appropriate approval approve approved area ask ' +
    'asked asking assign assigned assignment authorised authority authorized back belongs best better bounce ' +
    'briefly bring call can case clearance clearly colleague competent concerned concerns context court covers ' +
    'credentials currently deal dealing decide decision department desk directly doing domain done end ends ' +
    'exactly expert expertise experts familiar field file final find fit fits fix forward fully function getting ' +
    'give given giving go goes good got grant granted hand handle handled handles handling hands happy hence hm ' +
    'however information input instead issue it item job kick kindly know leave lies like look looked make makes ' +
    'manage matter mean meant mine need needed needs next nope note opened option others outside over own owner ' +
    'ownership part party pass passes permission permissions person pick pile pipeline place plate please point ' +
    'position possible privilege privileges proceed process proper properly queue read really receive received ' +
    'remit request required requires resolve resolved responsibility responsible return returned review reviewed ' +
    'right rights role routine say scope sector see seems send sends sent several shouldnt side sign signed ' +
    'skill skills somebody someone something sorry specialised specialist specialized specialty start step ' +
    'suited sure take taken takes task tasks team tell thank thanks thing think this thought ticket tool toolbox ' +
    'tools transfer turn understand understood using wait waiting want work working works wrong yours',
};
