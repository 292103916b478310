export {
  admittingChain,
  describeForward,
  type ForwardChain,
  type ForwardKeeper,
  iptablesName,
  isAdmitting,
  renderForwardScript,
} from '../iptables/forward-script.ts';
export { admittedMark } from '../iptables/marks.ts';
