import type { ThemeWords } from '../language.js';

/** Thanks, praise and farewells. */
export const gratitude: ThemeWords = {
  triggers:
    'a joy, a star, admiration, admire, all the best, amazing job, amazing work, an honor, an honour, anytime, ' +
    'appreciate, appreciated, appreciation, back at you, be well, best of luck, best regards, best wishes, ' +
    'bless you, bravo, brilliant work, bye, catch you, cheers, collaboration, congrats, congratulations, ' +
    'could not have asked, could not have done, could not have wished, couldnt have asked, couldnt have done, ' +
    'couldnt have wished, deeply touched, delight, delighted, dont mention it, enjoy the rest, enjoy your, ' +
    'excellent job, excellent work, fantastic job, fantastic work, farewell, feeling is mutual, ' +
    'glad i could help, glad to assist, glad to help, good day, good evening, good job, good luck, good night, ' +
    'good work, goodbye, grateful, gratitude, great day, great job, great team, great work, ' +
    'great working with you, happy to assist, happy to help, have a good, have a great, have a lovely, ' +
    'have a nice, have a wonderful, heartfelt, heres to, honored, honoured, how kind, how lovely, how sweet, ' +
    'humbled, i am touched, im touched, impressed, impressive, in your debt, incredible job, inspiration, ' +
    'inspiring, joy to, keep in touch, keep up the, kind of you, kind regards, kind words, kindest, kudos, ' +
    'likewise, look forward to, looking forward to, lovely day, lovely of you, lucky to, means a lot, ' +
    'most welcome, my friend, nice day, nice of you, no problem at all, no worries, outstanding job, ' +
    'outstanding work, owe you, pleasure, privilege, proud of, proud to, rest well, same to you, see you, ' +
    'signing off, sincerely, so generous, so kind, so long, speak soon, stay in touch, stay safe, stay well, ' +
    'superb, sweet dreams, sweet of you, take care, talk soon, talk to you soon, teamwork, thank, thankful, ' +
    'thanks, too kind, until next time, until then, until we, very generous, very welcome, warm regards, ' +
    'warm wishes, warmest, well done, what a great, what a wonderful, wish you, wishing you, wonderful day, ' +
    'wonderful job, wonderful work, you are amazing, you are the best, you are welcome, you are wonderful, ' +
    'you rock, you too, youre amazing, youre most welcome, youre so welcome, youre the best, youre very welcome, ' +
    'youre welcome, youre wonderful',
  beside:
    'a accomplish accomplished accomplishment achieve achieved adventure again always amazing assist assistance ' +
    'attention best bless blessing blessings bright brighten brilliant celebrate cheer cheerful cherish clear ' +
    'collaborate collaborating collaborator colleague companion conversation day dear dedication deeply deserve ' +
    'deserved detail details did dreams easy effort efforts else energy enjoy enjoyable enjoyed entirely ever ' +
    'every everyone everything excellent exceptional exchange excited experience expertise extremely fantastic ' +
    'favorite favourite feel fellow forever forget forward free friend friends fun future generosity generous ' +
    'genuine genuinely gift glad goal goals good great handoff happy hard heart hearts help helped helper ' +
    'helpful helping hero honest honor hope hours human immensely incredible incredibly insight insights ' +
    'inspired job journey joy keep kind kindness know knowledge lasting learned learning legend lifted looking ' +
    'lot lovely luck lucky made magic make makes making mate means meeting memorable memories memory milestone ' +
    'mood morning much mutual my next nice night nothing outcome outstanding partner partnership patience ' +
    'patient people perfect person pleasant positive possible precious professional professionalism progress ' +
    'project proud questions reach real really remarkable remember rest result results right rock safe sentiment ' +
    'sharing shine side single skill skills smile smooth smoothly soon soul special spirit star stay stellar ' +
    'success successful such super superstar support supportive sweet talent talented talking task team terrific ' +
    'thorough thoughtful thoughtfulness time toast together tomorrow touch touched treasure truly trust ' +
    'understanding valuable value warm warmth week weekend welcome well wish wishes wonderful word words work ' +
    'working world worlds worth wow yours',
};
