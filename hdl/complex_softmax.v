// SPDX-License-Identifier: Apache-2.0
// Softmax read-out of complex drives: from the drives x + i y of the output neurons to their pull on the network,
// beta (t - p), where beta is complex and t is 1 for the label.
//
//   collect   drives come one per cycle, index 0 first; the greatest real part is kept
//   sum       E = table[greatest - x] (cos y + i sin y), |y| <= 1, summed exactly     one per cycle
//   settle    the last one is summed
//   invert    G = conj(S) table[ten bits below the leading one of |S|^2]
//   pull      P = E G >> .., requantise(beta (t - P)), both parts                      one per cycle
//
// Probabilities have 16 fraction bits. Latency: 2 Outputs + 22 cycles from the last drive to the last pull; one set of
// drives at a time. The twin is src/fixed_point/complex_softmax.rs with reference::neuron::ComplexPull.

`default_nettype none

module complex_softmax #(
  parameter Outputs = 10,
  parameter IndexWidth = 4,
  parameter LabelWidth = 4,
  parameter DriveWidth = 10,       // signed, of either part
  parameter SumWidth = 20,         // of all exponentials: 16 bits each
  parameter AngleWidth = 8,        // index bits of the table of angles
  parameter GreatestAngle = 128,   // of |y|: beyond, it is saturated
  parameter StateWidth = 10,       // signed, of either part
  parameter BetaWidth = 16,        // signed, of either part
  parameter PullShift = 16,        // bits dropped from beta (t - p) to the state
  parameter StateRounding = 2,
  parameter StateOverflow = 1,
  parameter ExponentialFile = "none",
  parameter AngleFile = "none",
  parameter ReciprocalFile = "none"
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // Drives.
  input  wire                         valid_i,
  input  wire                         last_i,
  input  wire [IndexWidth-1:0]        index_i,
  input  wire [DriveWidth-1:0]        drive_i,
  input  wire [DriveWidth-1:0]        imaginary_drive_i,
  // Held until the last pull is out.
  input  wire signed [BetaWidth-1:0]  beta_real_i,
  input  wire signed [BetaWidth-1:0]  beta_imaginary_i,
  input  wire [LabelWidth-1:0]        label_i,
  // Random bits for the requantisers: of random_index_o, one cycle later.
  output wire [IndexWidth-1:0]        random_index_o,
  input  wire [31:0]                  random_i,
  input  wire [31:0]                  random_imaginary_i,
  // Pulls.
  output reg                          valid_o,
  output reg                          last_o,
  output reg  [IndexWidth-1:0]        index_o,
  output reg  [DriveWidth-1:0]        drive_o,
  output reg  [DriveWidth-1:0]        imaginary_drive_o,
  output reg                          saturated_o,     // the drive's imaginary part was
  output reg  [StateWidth-1:0]        state_o,
  output reg  [StateWidth-1:0]        imaginary_o      // of the state
);

  localparam [2:0] StCollect = 3'd0, StSum = 3'd1, StSettle = 3'd2, StInvert = 3'd3, StPull = 3'd4;
  localparam ErrorWidth = 19;
  localparam ScaledWidth = BetaWidth + ErrorWidth;
  localparam PullWidth = ScaledWidth + 1;
  localparam SquareWidth = 2 * SumWidth;
  localparam InverseWidth = SumWidth + 16;
  localparam ExcessWidth = 6;
  localparam OutputWidth = $clog2(Outputs);  // an output's number needs no more

  reg [2*DriveWidth-1:0] drives_q [0:Outputs-1];   // imaginary part above
  reg [31:0] exponentials_q [0:Outputs-1];         // likewise

  // Steps of the inversion: what is done in them.
  localparam [3:0] SqRealStep = 4'd0, NormRealStep = 4'd1, NormStep = 4'd2, ExcessStep = 4'd3, InvRealStep = 4'd6,
                   InverseStep = 4'd8;

  reg [2:0] state_q;
  reg [IndexWidth-1:0] count_q;
  reg [3:0] step_q;
  wire issue = (state_q == StSum) || (state_q == StPull);
  wire final_count = ({{(32-IndexWidth){1'b0}}, count_q} == Outputs - 1);

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StCollect;
    end else begin
      case (state_q)
        StSum, StPull: begin
          count_q <= count_q + 1'b1;
          step_q <= 4'd0;
          if (final_count) state_q <= (state_q == StSum) ? StSettle : StCollect;
        end
        StSettle: begin
          step_q <= step_q + 1'b1;
          if (step_q == 4'd4) begin
            state_q <= StInvert;
            step_q <= 4'd0;
          end
        end
        StInvert: begin
          step_q <= step_q + 1'b1;
          count_q <= {IndexWidth{1'b0}};
          if (step_q == InverseStep) state_q <= StPull;
        end
        default: begin
          count_q <= {IndexWidth{1'b0}};
          if (valid_i && last_i) state_q <= StSum;
        end
      endcase
    end
  end

  // Collect.
  reg signed [DriveWidth-1:0] greatest_q;
  wire signed [DriveWidth-1:0] drive = drive_i;
  always @(posedge clk_i) begin
    if (valid_i) drives_q[index_i[OutputWidth-1:0]] <= {imaginary_drive_i, drive_i};
    if (valid_i && (index_i == {IndexWidth{1'b0}} || drive > greatest_q)) greatest_q <= drive;
  end

  // Both passes read drives and exponentials.
  reg [DriveWidth-1:0] drive1_q, drive2_q, drive3_q, drive4_q, drive5_q, drive6_q, drive7_q;
  reg signed [DriveWidth-1:0] imaginary1_q;
  reg [DriveWidth-1:0] imaginary2_q, imaginary3_q, imaginary4_q, imaginary5_q, imaginary6_q, imaginary7_q;
  reg [IndexWidth-1:0] index1_q, index2_q, index3_q, index4_q, index5_q, index6_q, index7_q;
  reg [7:1] last_q;
  reg [5:1] sum_valid_q;
  reg [7:1] pull_valid_q;
  reg [15:0] real1_q;
  reg signed [15:0] turned1_q;
  always @(posedge clk_i) begin
    {imaginary1_q, drive1_q} <= drives_q[count_q[OutputWidth-1:0]];
    {turned1_q, real1_q} <= exponentials_q[count_q[OutputWidth-1:0]];
    {index1_q, index2_q, index3_q, index4_q} <= {count_q, index1_q, index2_q, index3_q};
    {index5_q, index6_q, index7_q} <= {index4_q, index5_q, index6_q};
    {drive2_q, drive3_q, drive4_q} <= {drive1_q, drive2_q, drive3_q};
    {drive5_q, drive6_q, drive7_q} <= {drive4_q, drive5_q, drive6_q};
    {imaginary2_q, imaginary3_q, imaginary4_q} <= {imaginary1_q, imaginary2_q, imaginary3_q};
    {imaginary5_q, imaginary6_q, imaginary7_q} <= {imaginary4_q, imaginary5_q, imaginary6_q};
    last_q <= {last_q[6:1], final_count};
    sum_valid_q <= rst_ni ? {sum_valid_q[4:1], issue && state_q == StSum} : 5'd0;
    pull_valid_q <= rst_ni ? {pull_valid_q[6:1], issue && state_q == StPull} : 7'd0;
  end

  // Angle: |y|, at most GreatestAngle.
  wire signed [DriveWidth:0] imaginary1 = {imaginary1_q[DriveWidth-1], imaginary1_q};
  wire signed [DriveWidth:0] greatest_angle = GreatestAngle[DriveWidth:0];
  wire beyond1 = imaginary1 > greatest_angle || imaginary1 < -greatest_angle;
  /* verilator lint_off UNUSED */
  wire [DriveWidth:0] angle1 = beyond1 ? greatest_angle : (imaginary1_q[DriveWidth-1] ? -imaginary1 : imaginary1);
  /* verilator lint_on UNUSED */
  reg [AngleWidth-1:0] angle2_q;
  reg [DriveWidth-1:0] distance2_q;
  reg [7:2] beyond_q;
  always @(posedge clk_i) begin
    angle2_q <= angle1[AngleWidth-1:0];
    distance2_q <= greatest_q - drive1_q;
    beyond_q <= {beyond_q[6:2], beyond1};
  end

  // Sum.
  wire [15:0] exponential3;
  function_table #(.InWidth(DriveWidth), .OutWidth(16), .File(ExponentialFile)) u_exponential (
    .clk_i(clk_i), .value_i(distance2_q), .result_o(exponential3)
  );
  wire [31:0] angle3;  // sine above the cosine
  function_table #(.InWidth(AngleWidth), .OutWidth(32), .File(AngleFile)) u_angle (
    .clk_i(clk_i), .value_i(angle2_q), .result_o(angle3)
  );
  reg [31:0] cosine4_q, sine4_q;
  wire [31:0] negative4 = {32{imaginary4_q[DriveWidth-1]}};
  // A negative one is rounded as its magnitude: ~x is -x - 1.
  /* verilator lint_off UNUSED */
  wire [31:0] real4 = cosine4_q + 32'h4000;
  wire [31:0] turned4 = (sine4_q ^ negative4) + 32'h4000;
  /* verilator lint_on UNUSED */
  reg [15:0] real5_q;
  reg signed [15:0] turned5_q;
  reg [SumWidth-1:0] real_sum_q;
  reg signed [SumWidth-1:0] turned_sum_q;
  always @(posedge clk_i) begin
    cosine4_q <= exponential3 * angle3[15:0];
    sine4_q <= exponential3 * angle3[31:16];
    real5_q <= real4[30:15];
    turned5_q <= turned4[30:15];
    if (state_q == StCollect) begin
      real_sum_q <= {SumWidth{1'b0}};
      turned_sum_q <= {SumWidth{1'b0}};
    end else if (sum_valid_q[5]) begin
      real_sum_q <= real_sum_q + {{(SumWidth-16){1'b0}}, real5_q};
      turned_sum_q <= turned_sum_q + {{(SumWidth-16){turned5_q[15]}}, turned5_q};
    end
    if (sum_valid_q[5]) exponentials_q[index5_q[OutputWidth-1:0]] <= {turned5_q, real5_q};
  end

  // Invert: one squarer and one multiplier, the real part first. The real part is at least 0.54, 2^14: |S|^2 has its
  // leading one at 28 or above.
  function [ExcessWidth-1:0] excess;  // floor(log2 |S|^2) - 28
    input [SquareWidth-1:0] value;
    integer b;
    begin
      excess = {ExcessWidth{1'b0}};
      for (b = 28; b < SquareWidth; b = b + 1)
        if (value[b]) excess = b[ExcessWidth-1:0] - 6'd28;
    end
  endfunction
  wire in_invert = (state_q == StInvert);
  reg [SumWidth-1:0] magnitude_q;  // |Im S|
  wire [SumWidth-1:0] squared = (step_q == SqRealStep) ? real_sum_q : magnitude_q;
  reg [SquareWidth-1:0] square_q, norm_q;
  reg [ExcessWidth-1:0] excess_q;
  reg [9:0] mantissa_q;
  /* verilator lint_off UNUSED */
  wire [SquareWidth-1:0] normal = norm_q >> 5'd18 >> excess_q;
  /* verilator lint_on UNUSED */
  wire [15:0] reciprocal;
  function_table #(.InWidth(10), .OutWidth(16), .File(ReciprocalFile)) u_reciprocal (
    .clk_i(clk_i), .value_i(mantissa_q), .result_o(reciprocal)
  );
  wire [SumWidth-1:0] inverted = (in_invert && step_q == InvRealStep) ? real_sum_q : magnitude_q;
  reg [InverseWidth-1:0] inverse_q;
  // With one bit more than is kept.
  /* verilator lint_off UNUSED */
  wire [InverseWidth-1:0] inverse = inverse_q >> 4'd12 >> excess_q[ExcessWidth-1:1];
  /* verilator lint_on UNUSED */
  reg [17:0] half_q;
  // conj S has the other sign; (-h) >> 1 is -((h + 1) >> 1).
  wire conjugate = !turned_sum_q[SumWidth-1];
  /* verilator lint_off UNUSED */
  wire [18:0] real_inverse = {1'b0, half_q} + 19'd1;
  wire [18:0] turned_inverse = ({1'b0, half_q} ^ {19{conjugate}}) + 19'd1;
  /* verilator lint_on UNUSED */
  reg signed [17:0] real_inverse_q, turned_inverse_q;
  always @(posedge clk_i) begin
    magnitude_q <= turned_sum_q[SumWidth-1] ? -turned_sum_q : turned_sum_q;
    square_q <= squared * squared;
    if (in_invert && step_q == NormRealStep) norm_q <= square_q;
    if (in_invert && step_q == NormStep) norm_q <= norm_q + square_q;
    if (in_invert && step_q == ExcessStep) excess_q <= excess(norm_q);
    mantissa_q <= normal[9:0];
    inverse_q <= inverted * reciprocal;
    half_q <= inverse[17:0];
    if (in_invert && step_q == InverseStep) real_inverse_q <= real_inverse[18:1];
    turned_inverse_q <= turned_inverse[18:1];  // stays at what follows the real part
  end

  // Pull: P = E G.
  wire signed [16:0] real1 = {1'b0, real1_q};
  reg signed [34:0] rr2_q, tt2_q, rt2_q, tr2_q;
  reg signed [35:0] real3_q, turned3_q;
  // With one bit more than is kept.
  /* verilator lint_off UNUSED */
  wire signed [35:0] real3 = real3_q >>> 4'd13 >>> excess_q[ExcessWidth-1:1] >>> excess_q[0];
  wire signed [35:0] turned3 = turned3_q >>> 4'd13 >>> excess_q[ExcessWidth-1:1] >>> excess_q[0];
  /* verilator lint_on UNUSED */
  reg signed [18:0] real4_q, turned4_q;
  reg is_label4_q;
  // t - P, rounded: (2 t - h) >> 1 is t - ((h + 1) >> 1).
  /* verilator lint_off UNUSED */
  wire signed [19:0] real_error4 = $signed({2'b00, is_label4_q, 17'd0}) - {real4_q[18], real4_q};
  wire signed [19:0] turned_error4 = -{turned4_q[18], turned4_q};
  /* verilator lint_on UNUSED */
  reg signed [ErrorWidth-1:0] real_error5_q, turned_error5_q;
  // beta (t - P).
  wire signed [ScaledWidth-1:0] real_error5 = {{BetaWidth{real_error5_q[ErrorWidth-1]}}, real_error5_q};
  wire signed [ScaledWidth-1:0] turned_error5 = {{BetaWidth{turned_error5_q[ErrorWidth-1]}}, turned_error5_q};
  wire signed [ScaledWidth-1:0] beta_real = {{ErrorWidth{beta_real_i[BetaWidth-1]}}, beta_real_i};
  wire signed [ScaledWidth-1:0] beta_imaginary = {{ErrorWidth{beta_imaginary_i[BetaWidth-1]}}, beta_imaginary_i};
  reg signed [ScaledWidth-1:0] rr6_q, tt6_q, rt6_q, tr6_q;
  reg signed [PullWidth-1:0] real7_q, turned7_q;
  wire [StateWidth-1:0] real_state7, turned_state7;
  /* verilator lint_off UNUSED */
  wire real_saturated7, turned_saturated7;
  /* verilator lint_on UNUSED */
  requantise #(
    .InWidth(PullWidth), .Shift(PullShift), .OutWidth(StateWidth), .OutSigned(1), .Rounding(StateRounding),
    .Overflow(StateOverflow)
  ) u_state (
    .in_i(real7_q), .random_i(random_i), .out_o(real_state7), .saturated_o(real_saturated7)
  );
  requantise #(
    .InWidth(PullWidth), .Shift(PullShift), .OutWidth(StateWidth), .OutSigned(1), .Rounding(StateRounding),
    .Overflow(StateOverflow)
  ) u_imaginary (
    .in_i(turned7_q), .random_i(random_imaginary_i), .out_o(turned_state7), .saturated_o(turned_saturated7)
  );
  assign random_index_o = index6_q;
  always @(posedge clk_i) begin
    rr2_q <= real1 * real_inverse_q;
    tt2_q <= turned1_q * turned_inverse_q;
    rt2_q <= real1 * turned_inverse_q;
    tr2_q <= turned1_q * real_inverse_q;
    real3_q <= {rr2_q[34], rr2_q} - {tt2_q[34], tt2_q};
    turned3_q <= {rt2_q[34], rt2_q} + {tr2_q[34], tr2_q};
    real4_q <= real3[18:0];
    turned4_q <= turned3[18:0];
    is_label4_q <= ({{(32-IndexWidth){1'b0}}, index3_q} == {{(32-LabelWidth){1'b0}}, label_i});
    real_error5_q <= real_error4[19:1];
    turned_error5_q <= turned_error4[19:1];
    rr6_q <= beta_real * real_error5;
    tt6_q <= beta_imaginary * turned_error5;
    rt6_q <= beta_real * turned_error5;
    tr6_q <= beta_imaginary * real_error5;
    real7_q <= {rr6_q[ScaledWidth-1], rr6_q} - {tt6_q[ScaledWidth-1], tt6_q};
    turned7_q <= {rt6_q[ScaledWidth-1], rt6_q} + {tr6_q[ScaledWidth-1], tr6_q};
    valid_o <= rst_ni && pull_valid_q[7];
    last_o <= rst_ni && pull_valid_q[7] && last_q[7];
    index_o <= index7_q;
    drive_o <= drive7_q;
    imaginary_drive_o <= imaginary7_q;
    saturated_o <= beyond_q[7];
    state_o <= real_state7;
    imaginary_o <= turned_state7;
  end

endmodule

`default_nettype wire
