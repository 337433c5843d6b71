import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;
import ij.plugin.ZProjector;
import ij.process.ImageConverter;
import java.awt.Frame;
import javax.swing.JDialog;

/**
 * Stands in for the plugin's menu command: builds a dialog even though options are given, as the
 * plugin does, so that it fails without a display. Returns at once, and shows the maximum of all
 * planes, called "Output", some time later. With quality 0 it never shows anything, with quality 1
 * the stack is closed as a user might close it.
 */
public class EDF_Easy_ implements PlugIn {
    public void run(String arg) {
        new JDialog((Frame) null, "Extended Depth of Field").dispose();
        final ImagePlus stack = WindowManager.getCurrentImage();
        String quality = Macro.getValue(Macro.getOptions(), "quality", "");
        if (quality.contains("1"))
            stack.close();
        if (quality.contains("0") || quality.contains("1"))
            return;
        new Thread(() -> {
            IJ.wait(200);
            ImagePlus output = ZProjector.run(stack, "max");
            new ImageConverter(output).convertToGray32();
            output.setTitle("Output");
            output.show();
        }).start();
    }
}
