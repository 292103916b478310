export { parseForwardRules, parseNftForward } from '../iptables/parse-forward.ts';
