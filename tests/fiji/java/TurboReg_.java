/** Stands in for the plugin that StackReg calls; only whether it is there counts here. */
public class TurboReg_ {
}
