/** A component that is drawn again only if its properties differ. */
import { Component, h, type ComponentChild, type FunctionComponent } from "preact";

export function memo<P extends object>(
  draw: (props: P) => ComponentChild,
  same: (before: P, after: P) => boolean,
): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props, next);
    }
    override render() {
      return draw(this.props);
    }
  }
  return (props) => h(Memo, props);
}
