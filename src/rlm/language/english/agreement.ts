import type { ThemeWords } from '../language.js';

/** They agree. */
export const agreement: ThemeWords = {
  triggers:
    '100 percent, absolutely, affirmative, agree, agreed, agreement, aligned, as do i, as you said, ' +
    'as you say, bang on, beautifully put, beautifully said, by all means, came to the same, certainly, ' +
    'clearly, concur, convinced, convincing, correct, could not be more, could not have put, ' +
    'could not have said, couldnt be more, couldnt have put, couldnt have said, count me in, crucial, dead on, ' +
    'definitely, ditto, echo, endorse, essential, exactly, excellent point, excellent way, eye to eye, ' +
    'fair enough, fair point, feel the same, feel the same way, fine by me, fine with me, fully support, ' +
    'good call, good idea, good point, good suggestion, good thinking, good way, great call, great idea, ' +
    'great minds, great point, great suggestion, great thinking, great way, heart of the matter, how i see it, ' +
    'how true, hundred percent, i do too, i second, im in, important point, indeed, insightful, is key, ' +
    'key point, lgtm, like how, looks good, love how, love that, love this, makes complete sense, makes sense, ' +
    'makes total sense, me too, my sentiments, my thoughts, my view, nail on the head, nailed it, naturally, ' +
    'no argument, no concerns, no doubt, no objection, no objections, no reservations, nothing against, ' +
    'nothing to add, of course, on board, on point, on the mark, perfect, persuasive, precisely, quite so, ' +
    'quite true, reached the same, read my mind, reading my mind, reasonable, reiterate, resonates, right, ' +
    'same conclusion, same here, same page, same wavelength, second that, seconded, see it the same, sensible, ' +
    'share your, smart, so do i, so true, solid, sounds good, sounds great, sounds like a plan, spot on, ' +
    'summarised it, summarized it, summed up, sums it up, support it, support that, support this, sure, ' +
    'that is key, that is true, thats true, the same way, the way i see, think alike, think so too, ' +
    'took the words, totally, underline, underscore, undoubtedly, valid point, very true, well argued, ' +
    'well put, well reasoned, well said, well summarised, well summarized, well thought, what counts, ' +
    'wholeheartedly, wise, without a doubt, words out of my mouth, works for me, worth repeating, yeah, yep, ' +
    'you got it, you nailed',
  beside:
    'actually add adding addition agreeable agreeing aims align allowing already amazing analysis angle ' +
    'approach approaches are argue argued argument arguments articulate articulated aspect aspects assessment ' +
    'beautiful beautifully best better boat bottom brilliant capture captured central chosen clarity clear ' +
    'common completely conclude concluded conclusion confirm confirmed consensus consider considered ' +
    'contradict core could couldnt counts course crystal decision deed deeply differ different differently ' +
    'direction disagree doubt easily emphasize enough entire entirely essence everything exact excellent ' +
    'express expressed eye fact fair fantastic feel feeling feels find focus for forward framed framing fully ' +
    'fundamental fundamentally further getting given go goal going good grasp great happy harmony head heart ' +
    'here hit idea importance important in insight insights interesting issue issues item keep key kind knows ' +
    'like likewise line little logic logical look looking looks lot love main makes mark matter matters mean ' +
    'means method mind minds miss more mouth move moving much nail namely nice not nothing objection opinion ' +
    'opinions oppose option other overall page part path percent perfectly perspective phrase phrased picture ' +
    'plan pleased point points position principle priority proceed proposal propose question quite read ready ' +
    'really reason reasoned reasoning rest said say see sense sentiment sentiments share shared side simply ' +
    'solution something sound sounds spoken spot stance stand start state stated statement strategy stress ' +
    'strong strongly suggest suggested suggestion summarise summarised summarize summarized summary summed ' +
    'support supported take takes task team tell thing things think thinking thought thoughts together topic ' +
    'total track true truly truth two unanimous understand understanding understood useful valid valuable very ' +
    'view views vital want wavelength way ways went whole wonderful word worded words work works worth yes you ' +
    'youre',
};
