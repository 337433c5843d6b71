/** Ends the Java machine, as some commands of ImageJ do. */
public class Exit_ {
    public static String exit() {
        System.exit(0);
        return "";
    }
}
