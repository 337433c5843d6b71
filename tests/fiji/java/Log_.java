/** Writes to standard error, as plugins do. */
public class Log_ {
    public static String write(String text) {
        System.err.println(text);
        return "";
    }
}
